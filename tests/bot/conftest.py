"""Import the fixtures of `tests/handlers`."""

from tests.handlers.conftest import market, short_logs

__all__ = ["market", "short_logs"]
