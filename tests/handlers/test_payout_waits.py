"""Test that an admin decides about payouts that wait because a channel has another creator."""

import asyncio
from datetime import timedelta

import pytest

from bot.telegram.rate_limiter import RateLimiter
from scheduler import channel_reading
from services.platform.channel_errors import PayoutWaits
from tests.handlers import published_post
from tests.handlers.marketplace import NO_REDIS, Marketplace


async def test_an_admin_lets_a_former_creator_be_paid(market: Marketplace) -> None:
    await published_post.publish_ad(market)
    buyer = await market.world.control("users", first_name="Buyer")
    await market.world.control(f"chats/{market.chat('channel')}/transfer", user_id=buyer["id"])
    # A channel that was just connected is read after some seconds.
    await market.database.forward(timedelta(minutes=1))
    limiter = RateLimiter(NO_REDIS)
    await channel_reading.read_due_channels(
        market.database.sessions, market.bot, limiter, lambda: False, asyncio.Event()
    )
    await limiter.close()
    await market.deliver()
    told = [message["text"] or "" for message in await market.messages("owner")]
    assert any("Your payouts for 1 placement there" in text for text in told)
    with pytest.raises(PayoutWaits):
        await published_post.release(market)
    assert "1 placement with $50.00 in escrow: nobody is paid" in await market.last("group")
    await market.press("admin", "💰 Pay as agreed", where="group")
    assert "This can't be taken back" in await market.last("group")
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", "💰 Pay as agreed", where="group")
    await market.press("admin", "💰 Yes, pay as agreed", where="group")
    assert "an admin has decided that the owner is paid" in await market.last("group")
    assert await market.buttons("group") == []
    await published_post.release(market)
    assert await market.value("SELECT status FROM escrows") == "released"
