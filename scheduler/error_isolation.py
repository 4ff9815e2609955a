"""Give one piece of work an id, and log its error, so that other work continues."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from db import correlation
from db.session import is_away

log = structlog.get_logger(__name__)


@contextmanager
def isolate_errors(tick: str, *, origin: str | None = None, **ids: int) -> Iterator[None]:
    """Log an error of the `with` block. Raise it only if the database is not available.

    The log lines and rows of the block get a new id. `origin` is the id of the earlier work that
    the block continues.
    """
    with correlation.correlated(correlation.new_id(tick), origin=origin):
        try:
            yield
        except Exception as error:
            if is_away(error):
                raise
            log.exception("Worker error", tick=tick, **ids)
