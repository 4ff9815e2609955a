"""Tells a database that is away, which all ticks wait for, from an error of one piece of work."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

AWAY_STATES = ("08", "57P", "53300")
"""SQLSTATE beginnings: connection lost, shutting down or starting up, no connection left."""

log = structlog.get_logger(__name__)


@contextmanager
def contained(tick: str, **ids: int) -> Iterator[None]:
    """Logs what goes wrong with one piece of work, so that it keeps no other waiting."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        log.exception("Worker error", tick=tick, **ids)


def is_away(error: BaseException) -> bool:
    """Whether an error means that PostgreSQL could not be reached, or went away meanwhile."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(inner) for inner in error.exceptions)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None)).startswith(AWAY_STATES)
