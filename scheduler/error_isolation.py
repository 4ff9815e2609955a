"""Keeps the error of one piece of work from the others, unless it is the database's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from db.session import is_away

log = structlog.get_logger(__name__)


@contextmanager
def isolate_errors(tick: str, **ids: int) -> Iterator[None]:
    """Logs what goes wrong with one piece of work, so that it keeps no other waiting."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        log.exception("Worker error", tick=tick, **ids)
