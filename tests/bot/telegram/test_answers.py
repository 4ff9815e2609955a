"""Test that a call is repeated after a short `retry_after`, and only then."""

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter

from tests.handlers.marketplace import Marketplace


@pytest.fixture
def chat_id(market: Marketplace) -> int:
    """Return the id of a chat with a person."""
    return market.chat("group")


async def sent(market: Marketplace, text: str) -> int:
    """Return the number of messages with a text in the group."""
    return [message["text"] for message in await market.messages("group")].count(text)


async def test_a_call_waits_for_a_short_flood(market: Marketplace, chat_id: int) -> None:
    await market.world.control("faults", method="sendMessage", kind="error", retry_after=1)
    await market.bot.send_message(chat_id, "hello")
    assert await sent(market, "hello") == 1


async def test_a_call_does_not_wait_for_a_long_flood(market: Marketplace, chat_id: int) -> None:
    await market.world.control("faults", method="sendMessage", kind="error", retry_after=30)
    with pytest.raises(TelegramRetryAfter):
        await market.bot.send_message(chat_id, "hello")
    assert await sent(market, "hello") == 0


async def test_a_call_without_an_answer_is_not_repeated(market: Marketplace, chat_id: int) -> None:
    await market.world.control("faults", method="sendMessage", kind="refuse_before")
    with pytest.raises(TelegramNetworkError):
        await market.bot.send_message(chat_id, "hello")
    assert await sent(market, "hello") == 0
