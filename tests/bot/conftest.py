"""Import the fixtures of `tests/handlers`, and restore the log after a test."""

from collections.abc import Iterator

import pytest
import structlog

from tests.factories import logs
from tests.handlers.conftest import market, short_logs

__all__ = ["market", "short_logs"]


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Restore the log of the process after a test that configures it."""
    with logs.restored():
        yield
    structlog.contextvars.clear_contextvars()
