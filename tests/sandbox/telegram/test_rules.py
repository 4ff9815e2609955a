"""Test rules of Telegram that a bot meets only after a while, or only in some chats."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.telegram import passing_time
from tests.sandbox.telegram.raw_world import SandboxClient, begin

DAY = 86400


def wait(world: SandboxClient, seconds: float) -> None:
    """Move the time of the sandbox forward."""
    world.state.set("clock_shift", world.state.shift + seconds)


async def test_updates_about_messages_expire_after_a_day(world: SandboxClient) -> None:
    """Test the `left_time` of Client::add_message_update in tdlib/telegram-bot-api."""
    await world.say("old")
    wait(world, DAY - 60)
    await world.say("young")
    assert len(await world.updates(confirm=False)) == 2
    wait(world, 120)
    assert (await world.call("getWebhookInfo"))["pending_update_count"] == 1
    [left] = await world.updates(confirm=False)
    assert left["message"]["text"] == "young"


async def test_updates_about_presses_expire_after_150_seconds(world: SandboxClient) -> None:
    """Test the timeout 150 of Client::process_new_callback_query_queue."""
    person = world.ids["advertiser"]
    keyboard = {"inline_keyboard": [[{"text": "Press", "callback_data": "x"}]]}
    await world.call("sendMessage", chat_id=person, text="x", reply_markup=keyboard)
    await world.control(f"users/{person}/press", button="Press", wait=False)
    wait(world, 140)
    assert len(await world.updates(confirm=False)) == 1
    wait(world, 20)
    assert await world.updates() == []


@pytest.mark.parametrize("kind", ["channel", "group"])
async def test_own_pin_is_an_update(world: SandboxClient, kind: str) -> None:
    """Test the kinds of outgoing messages in Client::need_skip_update_message."""
    chat = world.ids[kind]
    rights = {"can_pin_messages": True, "can_edit_messages": True, "can_post_messages": True}
    bot = {"user_id": "bot", "status": "administrator"}
    await world.control(f"chats/{chat}/members", **bot, **rights)
    await world.updates()
    sent = await world.call("sendMessage", chat_id=chat, text="x")
    await world.call("pinChatMessage", chat_id=chat, message_id=sent["message_id"])
    [update] = await world.updates()
    [message] = [value for name, value in update.items() if name != "update_id"]
    assert message["pinned_message"]["message_id"] == sent["message_id"]
    refusal = (400, "Bad Request: service messages can't be pinned")
    pin = {"chat_id": chat, "message_id": message["message_id"]}
    assert await world.refused("pinChatMessage", **pin) == refusal


@pytest.mark.parametrize(
    ("text", "reaches"),
    [
        ("/start", True),
        ("/start@OWN_NAME now", True),
        ("/start@other_bot", False),
        ("/", False),
        ("a /start", False),
    ],
)
async def test_commands_for_another_bot_stay_with_it(
    world: SandboxClient, text: str, *, reaches: bool
) -> None:
    """Test the privacy mode of groups, as core.telegram.org/bots/features describes it."""
    admin = world.ids["admin"]
    text = text.replace("OWN_NAME", str(world.state.bot.username).upper())
    await world.control(f"users/{admin}/send", chat_id=world.ids["group"], text=text)
    assert [update["message"]["text"] for update in await world.updates()] == [text] * reaches


async def test_bot_with_the_right_deletes_for_48_hours_only(world: SandboxClient) -> None:
    """Test MessagesManager::can_delete_channel_message of tdlib/td."""
    channel = world.ids["channel"]
    await world.promote(can_post_messages=True, can_delete_messages=True)
    owner = {"user_id": world.ids["owner"], "text": "x"}
    old = await world.control(f"chats/{channel}/post", **owner)
    other = await world.control(f"chats/{channel}/post", **owner)
    refusal = (400, "Bad Request: message can't be deleted")
    created = {"chat_id": channel, "message_id": 1}
    assert await world.refused("deleteMessage", **created) == refusal
    wait(world, 2 * DAY - 60)
    assert await world.call("deleteMessage", chat_id=channel, message_id=old["message_id"])
    wait(world, 120)
    last = {"chat_id": channel, "message_id": other["message_id"]}
    assert await world.refused("deleteMessage", **last) == refusal


async def test_private_messages_are_deleted_for_everyone_for_48_hours(
    world: SandboxClient,
) -> None:
    """Test MessagesManager::can_revoke_message of tdlib/td."""
    said = await world.say("x")
    wait(world, 2 * DAY + 60)
    refusal = (400, "Bad Request: message can't be deleted for everyone")
    there = {"chat_id": world.ids["advertiser"], "message_id": said["message_id"]}
    assert await world.refused("deleteMessage", **there) == refusal


async def test_custom_emoji_are_left_out_of_what_a_bot_posts_in_a_channel(
    world: SandboxClient,
) -> None:
    """Test DialogManager::can_use_premium_custom_emoji_in_dialog of tdlib/td for a bot."""
    custom = {"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "5"}
    bold = {"type": "bold", "offset": 2, "length": 1}
    message: dict[str, Any] = {"text": "\U0001f600b", "entities": [custom, bold]}
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, **message)
    assert (sent["text"], sent["entities"]) == (message["text"], [bold])
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    edited = await world.call("editMessageText", text="\U0001f600", entities=[custom], **edit)
    assert "entities" not in edited
    private = await world.call("sendMessage", chat_id=world.ids["advertiser"], **message)
    assert private["entities"] == [custom, bold]


async def test_posts_of_a_public_channel_are_copied_without_membership(
    world: SandboxClient,
) -> None:
    """Test Client::check_chat_access of tdlib/telegram-bot-api with AccessRights::Read."""
    channel, person = world.ids["channel"], world.ids["advertiser"]
    owner = world.ids["owner"]
    await world.control(f"chats/{channel}/info", user_id=owner, username="daily_news")
    post = await world.control(f"chats/{channel}/post", user_id=owner, text="news")
    await world.control(f"chats/{channel}/members", user_id="bot", status="left")
    source = {"from_chat_id": "@daily_news", "message_id": post["message_id"]}
    forwarded = await world.call("forwardMessage", chat_id=person, **source)
    assert forwarded["forward_origin"]["chat"]["id"] == channel
    assert await world.call("copyMessage", chat_id=person, **source)
    several = {"from_chat_id": "@daily_news", "message_ids": [post["message_id"]]}
    assert await world.call("copyMessages", chat_id=person, **several)


async def test_a_timer_deletes_new_posts_without_an_update(world: SandboxClient) -> None:
    """Test the auto-delete timer, as messageAutoDeleteTimerChanged of the Bot API describes it."""
    channel, owner = world.ids["channel"], world.ids["owner"]
    kept = await world.call("sendMessage", chat_id=channel, text="before")
    await world.control(f"chats/{channel}/info", user_id=owner, auto_delete_seconds=DAY)
    await world.call("sendMessage", chat_id=channel, text="after")
    await world.updates()
    wait(world, DAY - 5)
    passing_time.act(world.state)
    later = await world.see(f"chats/{channel}/messages?after={kept['message_id']}")
    assert [message["text"] for message in later["messages"]] == [None, "after"]
    wait(world, 10)
    passing_time.act(world.state)
    shown = (await world.see(f"chats/{channel}/messages"))["messages"]
    assert [message["text"] for message in shown if message["text"]] == ["before"]
    assert await world.updates() == []


async def test_timers_go_on_by_themselves_after_a_restart(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        await world.populate()
        channel, owner = world.ids["channel"], world.ids["owner"]
        await world.control(f"chats/{channel}/info", user_id=owner, auto_delete_seconds=DAY)
        sent = await world.call("sendMessage", chat_id=channel, text="short")
        wait(world, DAY + 5)
        world.state.commit()
    async with begin(tmp_path) as world:
        version = world.state.chat_version(channel)
        shown = await world.see(f"chats/{channel}/messages?version={version - 1}&wait=10")
        assert sent["message_id"] not in {each["message_id"] for each in shown["messages"]}


async def test_change_of_the_owner_is_a_service_message(world: SandboxClient) -> None:
    """Test JsonChatOwnerChanged and JsonChatOwnerLeft of tdlib/telegram-bot-api."""
    channel, owner, admin = (world.ids[name] for name in ("channel", "owner", "admin"))
    await world.control(f"chats/{channel}/transfer", user_id=admin)
    [update] = await world.updates()
    assert update["channel_post"]["chat_owner_changed"]["new_owner"]["id"] == admin
    await world.control(f"chats/{channel}/transfer", 409, user_id=admin)
    await world.control(f"chats/{channel}/members", 409, user_id=admin, status="kicked")
    await world.control(f"chats/{channel}/members", user_id=admin, status="left")
    [update] = await world.updates()
    assert update["channel_post"]["chat_owner_left"]["new_owner"]["id"] == owner
    listed = await world.call("getChatAdministrators", chat_id=channel)
    assert "creator" not in {member["status"] for member in listed}
    await world.control(f"chats/{channel}/transfer", user_id=owner)
    [update] = await world.updates()
    assert update["channel_post"]["chat_owner_changed"]["new_owner"]["id"] == owner
