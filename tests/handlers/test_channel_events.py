"""Test how the bot handles updates about chats."""

import time
from typing import Any

import pytest

from bot import inbox_worker, storing_updates
from bot.admin_chat import AdminChat
from db.models.users import Role
from sandbox.telegram.entities import Chat
from services.platform import inbox
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import publish_ad

OLD_GROUP = -77
STOP = "/killswitch stop payouts x"
CONFIRM = "✅ This is the admin chat"


@pytest.fixture
async def moved(market: Marketplace) -> Marketplace:
    """Return a bot that does not know the admin chat's new id yet."""
    await market.employ("admin", Role.OPERATOR)
    await market.hire_newcomer("head", Role.SUPER_ADMIN)
    await market.settle()
    group = market.chat("group")
    market.world.state.add_chat(Chat(OLD_GROUP, "group", "Admins", migrated_to_id=group))
    await market.configure_admin_chat(OLD_GROUP)
    return market


async def receive(market: Marketplace, **message: Any) -> None:
    """Let the bot handle a message of "admin" in the old group."""
    chat = {"id": OLD_GROUP, "type": "group", "title": "Admins"}
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "Admin"}
    update = {"message_id": 1, "date": 1, "chat": chat, "from": person} | message
    await storing_updates.store(market.database.sessions, [{"update_id": 1, "message": update}])
    market.worker.wake()
    await market.settle()


async def recorded(market: Marketplace) -> list[tuple[int, int]]:
    """Return the recorded moves of chats as pairs of the old id and the new id."""
    rows = await market.rows("SELECT old_chat_id, new_chat_id FROM moved_chats")
    return [(row["old_chat_id"], row["new_chat_id"]) for row in rows]


async def require_staff_acts(market: Marketplace) -> None:
    """Check that the new admin chat accepts commands only after a super admin's confirmation.

    A stop of a kill switch is accepted at once.
    """
    running = "SELECT count(*) FROM running_switches WHERE key = '{}'"
    await market.say("admin", "/queue", where="group")
    assert "after one super admin has pressed" in await market.last("group")
    await market.say("admin", "/killswitch stop refunds x", where="group")
    assert "after one super admin has pressed" in await market.last("group")
    assert await market.value(running.format("refunds")) == 0
    await market.say("admin", "/killswitch run refunds x", where="group")
    assert "▶️ Run refunds" not in await market.buttons("group")
    assert await market.value(running.format("payouts")) == 1
    assert market.dependencies.admin_chat.id == OLD_GROUP
    await market.press("head", CONFIRM, where="group")
    assert "This group is the admin chat now" in await market.last("group")
    assert market.dependencies.admin_chat.id == market.chat("group")
    await market.say("admin", STOP, where="group")
    assert await market.value(running.format("payouts")) == 0
    await market.press("admin", "🎛 All switches", where="group")
    assert "▶️ Run payouts" in await market.buttons("group")


async def test_a_move_that_the_bot_sees_is_followed(moved: Marketplace) -> None:
    await receive(moved, migrate_to_chat_id=moved.chat("group"))
    assert await recorded(moved) == [(OLD_GROUP, moved.chat("group"))]
    await require_staff_acts(moved)


async def test_a_move_that_nobody_saw_is_followed_at_the_first_command(moved: Marketplace) -> None:
    await require_staff_acts(moved)
    assert await recorded(moved) == [(OLD_GROUP, moved.chat("group"))]


async def test_a_move_that_another_process_saw_is_followed(moved: Marketplace) -> None:
    other_process = AdminChat(OLD_GROUP, moved.database.sessions)
    assert await other_process.follow(OLD_GROUP, moved.chat("group"))
    await require_staff_acts(moved)


async def test_a_move_reported_in_the_new_supergroup_is_followed(moved: Marketplace) -> None:
    chat = {"id": moved.chat("group"), "type": "supergroup", "title": "Admins"}
    await receive(moved, chat=chat, migrate_from_chat_id=OLD_GROUP)
    assert await recorded(moved) == [(OLD_GROUP, moved.chat("group"))]


async def test_a_group_that_claims_to_be_the_admin_chat_is_not_followed(moved: Marketplace) -> None:
    moved.world.state.chats[OLD_GROUP].migrated_to_id = None
    stranger = {"id": moved.chat("channel"), "type": "supergroup", "title": "Strangers"}
    await receive(moved, chat=stranger, migrate_from_chat_id=OLD_GROUP)
    assert await recorded(moved) == []
    assert moved.dependencies.admin_chat.id == OLD_GROUP


async def test_a_stop_by_a_button_acts_in_an_unconfirmed_chat(moved: Marketplace) -> None:
    await receive(moved, migrate_to_chat_id=moved.chat("group"))
    await moved.say("admin", "/killswitch stop payouts", where="group")
    running = "SELECT count(*) FROM running_switches WHERE key = 'payouts'"
    assert await moved.value(running) == 1
    (question,) = [m for m in await moved.messages("group") if len(m["buttons"] or []) > 1]
    await moved.press("admin", question["buttons"][0][0]["text"], where="group")
    assert await moved.value(running) == 0


async def test_a_stop_by_somebody_without_the_role_does_nothing(moved: Marketplace) -> None:
    await receive(moved, migrate_to_chat_id=moved.chat("group"))
    await moved.hire_newcomer("moderator", Role.ADMIN)
    await moved.say("moderator", STOP, where="group")
    assert await moved.value("SELECT count(*) FROM running_switches WHERE key = 'payouts'") == 1


async def test_the_move_of_another_group_is_not_recorded(moved: Marketplace) -> None:
    moved.world.state.chats[OLD_GROUP].migrated_to_id = None
    other = {"id": -78, "type": "group", "title": "Friends"}
    await receive(moved, chat=other, migrate_to_chat_id=moved.chat("group"))
    assert await recorded(moved) == []


async def test_telegram_is_asked_rarely_about_the_admin_chat(moved: Marketplace) -> None:
    assert moved.dependencies.admin_chat.may_ask()
    assert not moved.dependencies.admin_chat.may_ask()


async def test_new_posts_in_a_channel_are_counted(market: Marketplace) -> None:
    await market.connect_channel()
    posted = await market.world.control(
        f"chats/{market.chat('channel')}/post", user_id=market.chat("owner"), text="news"
    )
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == posted["message_id"]


async def test_posts_in_a_channel_without_the_bot_are_not_counted(market: Marketplace) -> None:
    """Check that the newest message id becomes 0 when the bot leaves the channel."""
    channel = market.chat("channel")
    await market.connect_channel()
    await market.world.control(f"chats/{channel}/post", user_id=market.chat("owner"), text="news")
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == 0


async def test_a_late_update_about_lost_rights_suspends_nothing(market: Marketplace) -> None:
    channel = market.chat("channel")
    await market.connect_channel()
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "suspended"
    update_id = await market.value("SELECT max(update_id) FROM inbox")
    await market.world.promote(can_post_messages=True)
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "active"
    bot = {"id": market.bot.id, "is_bot": True, "first_name": "B"}
    late = {
        "date": 1,
        "chat": {"id": channel, "type": "channel", "title": "Daily"},
        "from": {"id": market.chat("owner"), "is_bot": False, "first_name": "O"},
        "old_chat_member": {"user": bot, "status": "member"},
        "new_chat_member": {"user": bot, "status": "left"},
    }
    update = {"update_id": update_id + 1_000_000, "my_chat_member": late}
    await storing_updates.store(market.database.sessions, [update])
    market.worker.wake()
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "active"
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_lost_rights_are_recorded_after_a_flood_at_telegram(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that the bot's removal from a channel is not parked while Telegram answers 429."""
    monkeypatch.setattr(inbox_worker, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(inbox_worker, "LONGEST_FLOOD_SECONDS", 0.01, raising=False)
    channel = market.chat("channel")
    await market.connect_channel()
    flood = {"kind": "error", "retry_after": 40, "times": inbox.MAX_ATTEMPTS + 5}
    await market.world.control("faults", method="getChatMember", **flood)
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert await market.value("SELECT status FROM channels") == "suspended"


async def test_a_sold_channel_is_not_offered_again_when_the_rights_come_back(
    market: Marketplace,
) -> None:
    channel = market.chat("channel")
    await market.connect_channel()
    buyer = await market.world.control("users", first_name="Buyer")
    await market.world.control(f"chats/{channel}/transfer", user_id=buyer["id"])
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    await market.world.promote(can_post_messages=True)
    await market.settle()
    shown = await market.rows("SELECT status, status_reason FROM channels")
    assert [tuple(row.values()) for row in shown] == [("suspended", "not_creator")]
    told = await market.rows(
        "SELECT payload->>'reason' AS reason FROM outbox"
        " WHERE kind = 'channel_suspended' AND user_id IS NULL ORDER BY id"
    )
    assert [row["reason"] for row in told] == ["bot_removed", "not_creator"]


@pytest.mark.parametrize(
    ("content", "covers"),
    [
        ({"sticker": {"emoji": "🍞"}}, True),
        ({"text": "News"}, True),
        ({"pinned_message": {"message_id": 10, "date": 0}}, False),
        ({"video_chat_started": {}}, False),
    ],
    ids=["sticker", "text", "pinned message", "video chat"],
)
async def test_a_post_above_an_ad_is_told_to_both(
    market: Marketplace, content: dict[str, Any], *, covers: bool
) -> None:
    await publish_ad(market, on_top=1)
    chat = {"id": market.chat("channel"), "type": "channel", "title": "Daily"}
    post = {"message_id": 11, "date": int(time.time()), "chat": chat} | content
    await storing_updates.store(market.database.sessions, [{"update_id": 1, "channel_post": post}])
    market.worker.wake()
    await market.settle()
    await market.deliver()
    for person in ("owner", "advertiser"):
        assert ("newer post came above" in await market.last(person)) is covers
    if covers:
        await market.press("advertiser", "📋 Open the placement")
        card = await market.last("advertiser")
        assert "newer post came above it" in card
        assert "/11" in card
