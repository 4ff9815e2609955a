"""Test what people read about the facts of a channel, and updates about changed facts."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import asyncio
from typing import Any

import pytest

from bot import storing_updates
from bot.telegram.rate_limiter import RateLimiter
from scheduler import channel_reading
from tests.handlers.marketplace import NO_REDIS, Marketplace


async def change(market: Marketplace, **facts: Any) -> None:
    """Let the owner change the channel in Telegram, and let the bot handle its updates."""
    channel, owner = market.chat("channel"), market.chat("owner")
    await market.world.control(f"chats/{channel}/info", user_id=owner, **facts)
    await market.settle()


async def read(market: Marketplace) -> None:
    """Let the scheduler ask Telegram about the channels that are due."""
    limiter = RateLimiter(NO_REDIS)
    sessions = market.database.sessions
    await channel_reading.read_due_channels(
        sessions, market.bot, limiter, lambda: False, asyncio.Event()
    )
    await limiter.close()


async def is_due(market: Marketplace) -> bool:
    """Return whether Telegram has to be asked about the channel now."""
    return bool(await market.value("SELECT facts_due_at <= clock() FROM channels"))


@pytest.mark.usefixtures("with_own_login")
@pytest.mark.parametrize(
    "fact",
    [{"title": "Evening"}, {"photo": True}, {"photo": False}, {"auto_delete_seconds": 86_400}],
)
async def test_a_channel_is_read_again_after_a_service_message(
    market: Marketplace, fact: dict[str, Any]
) -> None:
    await market.connect_channel()
    await read(market)
    assert not await is_due(market)
    await change(market, description="of this, Telegram tells nothing")
    assert not await is_due(market)
    await change(market, **fact)
    assert await is_due(market)
    last = max(market.world.state.messages[market.chat("channel")])
    assert await market.value("SELECT last_message_id FROM channels") == last


async def test_a_channel_is_read_again_after_a_change_of_rights(market: Marketplace) -> None:
    await market.connect_channel()
    await read(market)
    await market.world.promote(can_post_messages=True, can_edit_messages=True)
    await market.settle()
    assert await is_due(market)


@pytest.mark.parametrize("name", ["pinned_message", "chat_owner_changed", "chat_owner_left"])
async def test_a_channel_is_read_again_after_other_messages_of_telegram(
    market: Marketplace, name: str
) -> None:
    await market.connect_channel()
    await read(market)
    last = max(market.world.state.messages[market.chat("channel")])
    chat = {"id": market.chat("channel"), "type": "channel", "title": "Daily"}
    message = {"message_id": last, "date": 1, "chat": chat}
    person = {"id": market.chat("owner"), "is_bot": False, "first_name": "O"}
    content = message if name == "pinned_message" else {"new_owner": person}
    update = {"update_id": 1, "channel_post": message | {"message_id": last + 1, name: content}}
    await storing_updates.store(market.database.sessions, [update])
    market.worker.wake()
    await market.settle()
    assert await is_due(market)


async def test_the_cards_show_the_facts_with_their_time(market: Marketplace) -> None:
    await market.connect_channel()
    assert "Telegram will be asked about this channel" in await market.last("owner")
    await change(
        market,
        description="All about\nthe city",
        username="city_news",
        protected=True,
        subscribers=1_234,
        auto_delete_seconds=7 * 86_400,
    )
    await read(market)
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "🟢 Daily")
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    for who in ("owner", "advertiser"):
        card = await market.last(who)
        assert "1,234 subscribers · https://t.me/city_news · no picture" in card
        assert "All about the city" in card
        assert "deletes new posts after 168 hours" in card
        assert "can't be forwarded" in card
        assert "As Telegram said on " in card
    assert "What I may do there: post\n" in await market.last("owner")
    assert "What I may do there" not in await market.last("advertiser")


async def test_a_channel_with_a_short_timer_is_shown_and_not_sold(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    await change(market, auto_delete_seconds=86_400)
    await read(market)
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "✅ Submit")
    refused = "at most 23 hours can be promised, not 24"
    assert refused in await market.last("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "⛔ Daily")
    await market.press("advertiser", "🛒 Buy here")
    assert refused in await market.last("advertiser")
    await market.say("advertiser", f"/start buy_{await market.value('SELECT id FROM channels')}")
    await market.press("advertiser", "🛒 Buy here")
    assert refused in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "🟢 Daily")
    assert "deleted before its 24 promised hours are over" in await market.last("owner")


async def test_an_owner_cannot_promise_longer_than_the_timer(market: Marketplace) -> None:
    await change(market, auto_delete_seconds=86_400)
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    await market.pick("owner", "channel")
    await market.say("owner", "5")
    await market.say("owner", "24")
    assert "at most 23 hours can be promised, not 24" in await market.last("owner")
    await market.say("owner", "23")
    # The owner makes the timer shorter in Telegram before the last step.
    await market.database.as_owner("UPDATE channels SET auto_delete_seconds = 7200")
    await market.say("owner", "news")
    assert "at most 1 hour can be promised, not 23" in await market.last("owner")
    assert await market.value("SELECT status FROM channels") == "pending"
