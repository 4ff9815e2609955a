"""Test when the typing sign is shown."""

import asyncio
from typing import Any

import pytest

from bot import typing_sign
from tests.handlers.marketplace import Marketplace


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, False), (0.4, True)])
async def test_the_sign_is_shown_only_while_an_answer_is_late(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch, seconds: float, *, shown: bool
) -> None:
    monkeypatch.setattr(typing_sign, "TYPING_SECONDS", 0.2)
    requests: list[Any] = []

    async def note(make_request: Any, bot: Any, method: Any) -> Any:
        requests.append(method.__api_method__)
        return await make_request(bot, method)

    market.bot.session.middleware(note)
    with typing_sign.typing_if_late(market.bot, market.chat("advertiser")):
        await asyncio.sleep(seconds)
    await asyncio.sleep(0.3)
    assert ("sendChatAction" in requests) is shown
