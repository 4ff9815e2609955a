"""Test that a temporary error of Telegram does not count as a lost right to post."""

import pytest
from aiogram.exceptions import TelegramRetryAfter

from bot import channel_rights
from tests.handlers.marketplace import Marketplace


async def test_a_flood_is_not_a_lost_right(market: Marketplace) -> None:
    await market.world.control("faults", method="getChatMember", kind="error", retry_after=30)
    with pytest.raises(TelegramRetryAfter):
        await channel_rights.find_problem(
            market.bot, chat_id=market.chat("channel"), creator_telegram_id=market.chat("owner")
        )


async def test_a_channel_without_the_bot_has_no_right(market: Marketplace) -> None:
    problem = await channel_rights.find_problem(
        market.bot, chat_id=market.chat("channel"), creator_telegram_id=market.chat("owner")
    )
    assert problem == "channel-no-right"
