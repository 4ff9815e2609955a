"""Make the fixtures of `tests/handlers` available to the tests that need a running bot."""

from tests.handlers.conftest import market, short_logs

__all__ = ["market", "short_logs"]
