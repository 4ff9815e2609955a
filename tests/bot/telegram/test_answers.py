"""Test which calls to Telegram the bot refuses, repeats or redirects."""

import time
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramMigrateToChat, TelegramNetworkError, TelegramRetryAfter

from bot.admin_chat import AdminChat
from bot.telegram.answers import ForeignChatError, create_bot
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.rate_limits import KEPT_FROM_ANSWERS, PER_MINUTE
from sandbox.telegram.entities import Chat
from services.platform import chat_migrations
from tests.handlers.marketplace import NO_REDIS, Marketplace
from tests.sandbox.telegram.raw_world import BOT_TOKEN


@pytest.fixture
def chat_id(market: Marketplace) -> int:
    return market.chat("group")


async def sent(market: Marketplace, text: str) -> int:
    """Count the messages in the admin chat with exactly this text."""
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


async def test_nothing_is_written_to_a_channel_or_another_group(market: Marketplace) -> None:
    await market.world.promote(can_post_messages=True)
    group = await market.world.control(
        "groups", owner_id=market.chat("owner"), title="Friends", member_ids=["bot"]
    )
    market.world.ids["friends"] = group["id"]
    for chat in ("channel", "friends"):
        own = await market.world.call("sendMessage", chat_id=market.chat(chat), text="own")
        before = await market.messages(chat)
        for call in (
            market.bot.send_message(market.chat(chat), "Sorry"),
            market.bot.send_photo(market.chat(chat), "file"),
            market.bot.copy_message(market.chat(chat), market.chat(chat), own["message_id"]),
            market.bot.forward_message(market.chat(chat), market.chat(chat), own["message_id"]),
            market.bot.edit_message_text(
                "x", chat_id=market.chat(chat), message_id=own["message_id"]
            ),
            market.bot.send_message(f"@{chat}", "Sorry"),
        ):
            with pytest.raises(ForeignChatError):
                await call
        assert await market.messages(chat) == before


async def test_a_channel_in_the_setting_of_the_admin_chat_gets_no_message(
    market: Marketplace,
) -> None:
    await market.world.promote(can_post_messages=True)
    admin_chat = AdminChat(market.chat("channel"), market.database.sessions)
    bot = create_bot(BOT_TOKEN, market.world.url, admin_chat)
    before = await market.messages("channel")
    with pytest.raises(ForeignChatError):
        await bot.send_message(market.chat("channel"), "An alarm")
    await bot.session.close()
    assert await market.messages("channel") == before


async def test_a_moved_admin_chat_is_followed_when_telegram_names_its_new_id(
    market: Marketplace,
) -> None:
    old, new = -77, market.chat("group")
    market.world.state.add_chat(Chat(old, "group", "Admins", migrated_to_id=new))
    admin_chat = AdminChat(old, market.database.sessions)
    bot = create_bot(BOT_TOKEN, market.world.url, admin_chat)
    await bot.send_message(old, "An alarm")
    await bot.session.close()
    assert await sent(market, "An alarm") == 1
    assert (admin_chat.id, admin_chat.unconfirmed_ids) == (old, frozenset({new}))
    async with market.database.sessions.begin() as session:
        assert await chat_migrations.unconfirmed_chat_ids(session, old) == {new}


async def test_the_move_of_another_group_is_not_recorded(market: Marketplace) -> None:
    friends = -78
    market.world.state.add_chat(
        Chat(friends, "group", "Friends", migrated_to_id=market.chat("channel"))
    )
    with pytest.raises(TelegramMigrateToChat):
        await market.bot.get_chat(friends)
    assert await market.rows("SELECT old_chat_id FROM moved_chats") == []


@pytest.fixture
async def limited(market: Marketplace) -> AsyncIterator[Bot]:
    """Yield a bot that keeps Telegram's limits without Redis."""
    admin_chat = AdminChat(market.chat("group"), market.database.sessions)
    limiter = RateLimiter(NO_REDIS)
    bot = create_bot(BOT_TOKEN, market.world.url, admin_chat, limiter)
    yield bot
    await bot.session.close()
    await limiter.close()


async def test_after_a_flood_no_useless_call_is_made_in_its_chat(
    market: Marketplace, limited: Bot
) -> None:
    await market.say("advertiser", "/start")
    await market.say("owner", "/start")
    person = market.chat("advertiser")
    await market.world.control("faults", method="sendMessage", kind="error", retry_after=40)
    with pytest.raises(TelegramRetryAfter):
        await limited.send_message(person, "first")
    for call in (
        limited.send_message(person, "second"),
        limited.edit_message_text("third", chat_id=person, message_id=1),
    ):
        with pytest.raises(TelegramRetryAfter) as refused:  # Telegram would take the call now
            await call
        assert 30 < refused.value.retry_after <= 40
    await limited.send_message(market.chat("owner"), "hello")
    texts = [message["text"] for message in await market.messages("advertiser")]
    assert not {"first", "second", "third"} & set(texts)


@pytest.mark.keeps_limits
async def test_several_answers_in_a_second_may_go_to_one_person(
    market: Marketplace, limited: Bot
) -> None:
    await market.say("advertiser", "/start")
    began = time.monotonic()
    for _ in range(3):
        await limited.send_message(market.chat("advertiser"), "hello")
    assert time.monotonic() - began < 2  # the waits of one message a second


@pytest.mark.keeps_limits
async def test_answers_leave_slots_of_the_admin_chat_to_alarms(
    market: Marketplace, limited: Bot, chat_id: int
) -> None:
    for _ in range(PER_MINUTE - KEPT_FROM_ANSWERS):
        sent = await limited.send_message(chat_id, "hello")
    with pytest.raises(TelegramRetryAfter):
        await limited.send_message(chat_id, "hello")
    await limited.edit_message_text("an edit", chat_id=chat_id, message_id=sent.message_id)
    assert len([m for m in await market.messages("group") if m["text"] == "hello"]) == 17
