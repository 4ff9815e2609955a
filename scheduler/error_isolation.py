"""Isolate the error of one piece of work. The error then does not stop the other work."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from db.session import is_away

log = structlog.get_logger(__name__)


@contextmanager
def isolate_errors(tick: str, **ids: int) -> Iterator[None]:
    """Log an error of the `with` block. Raise it only if the database is not available.

    `tick` and `ids` name the piece of work in the log line.
    """
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        log.exception("Worker error", tick=tick, **ids)
