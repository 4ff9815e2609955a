"""Log the error of one piece of work, so that other work continues."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from db.session import is_away

log = structlog.get_logger(__name__)


@contextmanager
def isolate_errors(tick: str, **ids: int) -> Iterator[None]:
    """Log an error of the `with` block. Raise it only if the database is not available."""
    try:
        yield
    except Exception as error:
        if is_away(error):
            raise
        log.exception("Worker error", tick=tick, **ids)
