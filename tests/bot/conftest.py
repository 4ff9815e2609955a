"""Fixtures of the handlers' tests, for the modules of the bot that need a running bot."""

from tests.handlers.conftest import market, short_logs

__all__ = ["market", "short_logs"]
