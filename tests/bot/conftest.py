"""Import the fixtures of `tests/handlers`, and restore the log after a test."""

import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.handlers.conftest import market, short_logs

__all__ = ["market", "short_logs"]


@pytest.fixture
def restored_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the log of the process after a test that configures it.

    The product lets each logger keep its first configuration. In such a test, no logger does, so
    that later tests can capture its lines.
    """
    configure = structlog.configure

    def configure_without_cache(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    before, root, hook = structlog.get_config(), logging.getLogger(), sys.excepthook
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(structlog, "configure", configure_without_cache)
    yield
    logging.captureWarnings(capture=False)
    root.handlers, sys.excepthook = handlers, hook
    root.setLevel(level)
    configure(**before)
    structlog.contextvars.clear_contextvars()
