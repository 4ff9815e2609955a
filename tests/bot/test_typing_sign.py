"""Test when the typing sign is shown."""

import asyncio
from typing import Any

import pytest
from aiogram.methods import SendChatAction

from bot import typing_sign
from tests.handlers.marketplace import Marketplace


@pytest.mark.parametrize(("seconds", "signs"), [(0.0, 0), (0.4, 1), (1.2, 3)])
async def test_the_sign_is_shown_only_while_an_answer_is_late(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch, seconds: float, signs: int
) -> None:
    monkeypatch.setattr(typing_sign, "TYPING_SECONDS", 0.2)
    monkeypatch.setattr(typing_sign, "SHOWN_SECONDS", 0.4)
    shown = _shown_in(market)
    with typing_sign.typing_if_late(market.bot, market.chat("advertiser")):
        await asyncio.sleep(seconds)
    await asyncio.sleep(0.5)
    assert shown == [market.chat("advertiser")] * signs


@pytest.mark.parametrize(("who", "where"), [("advertiser", "advertiser"), ("admin", "group")])
async def test_pictures_and_reports_show_the_sign(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch, who: str, where: str
) -> None:
    """Let each answer be late, as a picture or a report on a busy machine is."""
    monkeypatch.setattr(typing_sign, "TYPING_SECONDS", 0.0)
    shown = _shown_in(market)
    await market.say(who, "/help", where=where)
    async with asyncio.timeout(10):
        while not shown:
            await market.say(who, "/help", where=where)
    assert set(shown) == {market.chat(where)}


def _shown_in(market: Marketplace) -> list[int | str]:
    """Return the list that gets the id of the chat of each sign."""
    shown: list[int | str] = []

    async def note(make_request: Any, bot: Any, method: Any) -> Any:
        if isinstance(method, SendChatAction):
            shown.append(method.chat_id)
        return await make_request(bot, method)

    market.bot.session.middleware(note)
    return shown
