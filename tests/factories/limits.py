"""Provide a bot that keeps none of Telegram's limits, so that a test does not wait for them."""

import pytest

from bot.telegram import rate_limits
from bot.telegram.rate_limits import Rule


def lift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bot send as many messages at once as a test makes it send."""
    monkeypatch.setattr(rate_limits, "rules", _wide_rules)


def _wide_rules(*_arguments: object, **_options: object) -> list[Rule]:
    return [Rule("all", 1_000_000, 1)]
