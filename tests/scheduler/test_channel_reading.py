"""Test that the scheduler asks Telegram about channels, within the limits."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram import Bot

from bot.telegram.rate_limiter import RateLimiter
from db.session import Sessions
from scheduler import channel_reading, notice_delivery
from services.market import channel_facts
from tests.scheduler.scene import NO_REDIS, Scene

METHODS = ("getChat", "getChatMemberCount", "getChatAdministrators")


async def read(
    scene: Scene,
    bot: Bot,
    *,
    sessions: Sessions | None = None,
    ads_wait: Callable[[], bool] = lambda: False,
) -> None:
    """Run the tick once."""
    limiter = RateLimiter(NO_REDIS)
    scene.closing.append(limiter.close)
    await channel_reading.read_due_channels(
        sessions or scene.database.sessions, bot, limiter, ads_wait, asyncio.Event()
    )


async def change(scene: Scene, **facts: Any) -> None:
    """Let the owner change what Telegram says about the channel."""
    world = scene.world
    await world.control(f"chats/{world.ids['channel']}/info", user_id=world.ids["owner"], **facts)


async def channel(scene: Scene) -> dict[str, Any]:
    """Return the channel's row, and whether Telegram is asked again tomorrow or soon."""
    (row,) = await scene.rows(
        "SELECT channels.*, facts_due_at - clock() > '23 hours' AS tomorrow,"
        " facts_due_at - clock() BETWEEN '1 second' AND '11 minutes' AS soon FROM channels"
    )
    return row


async def test_the_facts_of_a_channel_are_stored(
    scene: Scene, bot: Bot, of_logins: tuple[Sessions, Sessions]
) -> None:
    await change(
        scene,
        title="Evening",
        username="evening_news",
        description="All about the city",
        photo=True,
        auto_delete_seconds=86_400,
        protected=True,
        subscribers=1_234,
    )
    await read(scene, bot, sessions=of_logins[0])
    row = await channel(scene)
    assert (row["title"], row["username"]) == ("Evening", "evening_news")
    assert (row["description"], row["subscribers"]) == ("All about the city", 1_234)
    shown = await scene.world.call("getChat", chat_id=row["chat_id"])
    assert row["photo_id"] == shown["photo"]["big_file_unique_id"]
    assert (row["auto_delete_seconds"], row["protected"]) == (86_400, True)
    assert (row["bot_rights"], row["status"]) == (["can_post_messages"], "active")
    assert row["facts_at"] is not None
    assert row["tomorrow"]
    assert (await scene.rows("SELECT count FROM channel_subscribers"))[0]["count"] == 1_234
    await change(scene, title="Later")
    await read(scene, bot)
    assert (await channel(scene))["title"] == "Evening"


async def test_a_short_timer_is_told_to_all_sides(scene: Scene, bot: Bot) -> None:
    target_id = await scene.approve(promised_hours=24)
    await change(scene, auto_delete_seconds=86_400)
    await read(scene, bot)
    await scene.world.say("/start", who="owner")
    await notice_delivery.deliver(scene.outbox_worker())
    owner, staff, advertiser = [
        next(
            (m["text"] for m in reversed(await scene.messages(chat)) if "⏱" in (m["text"] or "")),
            "",
        )
        for chat in ("owner", "group", "advertiser")
    ]
    assert "Telegram now deletes new posts after 24 hours" in owner
    assert "1 open placement was promised for longer" in owner
    assert "Switch the auto-delete timer off" in owner
    assert "The owner and the advertisers were told" in staff
    assert f"placement #{target_id} was promised for 24 hours" in advertiser
    await scene.database.as_owner("DELETE FROM outbox")
    await scene.database.as_owner("UPDATE channels SET facts_due_at = clock()")
    await read(scene, bot)
    assert await scene.rows("SELECT id FROM outbox") == [], "the timer was told on the day before"


async def test_a_channel_is_suspended_when_telegram_says_that_it_is_gone(
    scene: Scene, bot: Bot
) -> None:
    await scene.fault("getChat", "error", error_code=400, description="Bad Request: chat not found")
    await read(scene, bot)
    row = await channel(scene)
    assert (row["status"], row["status_reason"]) == ("suspended", "channel_gone")
    assert row["tomorrow"]


async def test_missed_updates_about_rights_and_creator_are_found(scene: Scene, bot: Bot) -> None:
    world = scene.world
    await world.control(f"chats/{world.ids['channel']}/members", user_id="bot", status="left")
    await read(scene, bot)
    assert (await channel(scene))["status_reason"] == "bot_removed"
    await world.promote(can_post_messages=True, can_delete_messages=True)
    await world.control(f"chats/{world.ids['channel']}/transfer", user_id=world.ids["admin"])
    await scene.database.as_owner("UPDATE channels SET facts_due_at = clock()")
    await read(scene, bot)
    row = await channel(scene)
    assert (row["status"], row["status_reason"]) == ("suspended", "not_creator")
    assert row["bot_rights"] == ["can_post_messages", "can_delete_messages"]


@pytest.mark.parametrize("method", METHODS)
async def test_a_pause_that_telegram_demands_is_kept_for_all_channels(
    scene: Scene, bot: Bot, method: str
) -> None:
    other_id = await scene.another_channel()
    await scene.fault(method, "error", retry_after=90)
    await read(scene, bot)
    waits = await scene.rows(
        "SELECT id, facts_at, extract(epoch FROM facts_due_at - clock())::float AS seconds"
        " FROM channels ORDER BY id"
    )
    assert [row["id"] for row in waits] == [scene.channel_id, other_id]
    assert [row["facts_at"] for row in waits] == [None, None]
    assert all(60 < row["seconds"] <= 90 for row in waits)


async def test_an_answer_that_proves_nothing_is_asked_again(scene: Scene, bot: Bot) -> None:
    await scene.fault("getChatMemberCount", "error", error_code=502, description="Bad Gateway")
    await read(scene, bot)
    row = await channel(scene)
    assert (row["soon"], row["status"], row["facts_at"]) == (True, "active", None)


async def test_an_unknown_refusal_is_not_asked_again_on_the_same_day(
    scene: Scene, bot: Bot
) -> None:
    await scene.fault("getChat", "error", error_code=400, description="Bad Request: new words")
    await read(scene, bot)
    row = await channel(scene)
    assert (row["tomorrow"], row["status"], row["facts_at"]) == (True, "active", None)


async def test_nothing_is_asked_while_ads_wait(scene: Scene, bot: Bot) -> None:
    await read(scene, bot, ads_wait=lambda: True)
    assert (await channel(scene))["facts_at"] is None
    answers = iter([False, True])
    await read(scene, bot, ads_wait=lambda: next(answers))
    assert (await channel(scene))["facts_at"] is None
    async with scene.database.sessions.begin() as session:
        assert await channel_facts.claim_due(session, limit=1)
