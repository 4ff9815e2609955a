"""Restore the log of the process after code that configures it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import structlog


@contextmanager
def restored() -> Iterator[None]:
    """Restore the log of the process at the end of the block.

    The product lets each logger keep its first configuration. In the block, no logger does, so that
    later tests can capture its lines.
    """
    configure = structlog.configure

    def configure_without_cache(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    before, root, hook = structlog.get_config(), logging.getLogger(), sys.excepthook
    handlers, level = root.handlers, root.level
    try:
        with mock.patch.object(structlog, "configure", configure_without_cache):
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers, sys.excepthook = handlers, hook
        root.setLevel(level)
        configure(**before)
