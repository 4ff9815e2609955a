"""Test what the bot may do in each type of chat of the sandbox."""

import asyncio

import pytest

from tests.sandbox.telegram.raw_world import Json, SandboxClient


async def set_bot(world: SandboxClient, status: str, chat: str = "channel") -> None:
    await world.control(f"chats/{world.ids[chat]}/members", user_id="bot", status=status)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        ("left", (403, "Forbidden: bot is not a member of the channel chat")),
        ("kicked", (403, "Forbidden: bot was kicked from the channel chat")),
        ("member", (400, "Bad Request: need administrator rights in the channel chat")),
        ("administrator", (400, "Bad Request: need administrator rights in the channel chat")),
    ],
)
async def test_posting_without_the_right(
    world: SandboxClient, status: str, refusal: tuple[int, str]
) -> None:
    await set_bot(world, status)
    channel = world.ids["channel"]
    assert await world.refused("sendMessage", chat_id=channel, text="x") == refusal
    assert (await world.see(f"published?chat_id={channel}"))["published"] == []


async def test_group_that_threw_the_bot_out(world: SandboxClient) -> None:
    group = world.ids["group"]
    await world.call("sendMessage", chat_id=group, text="x")
    await set_bot(world, "kicked", "group")
    assert await world.refused("sendMessage", chat_id=group, text="x") == (
        403,
        "Forbidden: bot was kicked from the supergroup chat",
    )


async def test_blocked_by_the_user_until_they_write_again(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    await set_bot(world, "kicked", "advertiser")
    assert await world.refused("sendMessage", chat_id=person, text="x") == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    assert [next(reversed(update)) for update in await world.updates()] == ["my_chat_member"]
    await world.say("/start")
    await world.call("sendMessage", chat_id=person, text="x")


async def test_person_who_never_started_the_bot(world: SandboxClient) -> None:
    assert await world.refused("sendMessage", chat_id=world.ids["owner"], text="x") == (
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )


@pytest.mark.parametrize("chat_id", [12345, -100999, "@nobody_at_all", "nonsense"])
async def test_unknown_chat(world: SandboxClient, chat_id: int | str) -> None:
    refusal = (400, "Bad Request: chat not found")
    assert await world.refused("sendMessage", chat_id=chat_id, text="x") == refusal
    assert await world.refused("getChat", chat_id=chat_id) == refusal


async def test_member_list_of_a_channel_is_for_administrators(world: SandboxClient) -> None:
    asked = {"chat_id": world.ids["channel"], "user_id": world.ids["owner"]}
    assert (await world.call("getChatMember", **asked))["status"] == "creator"
    await set_bot(world, "left")
    refusal = (400, "Bad Request: member list is inaccessible")
    assert await world.refused("getChatMember", **asked) == refusal


async def test_chat_member_of_the_bot_and_of_strangers(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    own = await world.call("getChatMember", chat_id=channel, user_id=424242)
    assert (own["status"], own["can_post_messages"], own["can_edit_messages"]) == (
        "administrator",
        True,
        False,
    )
    stranger = await world.call("getChatMember", chat_id=channel, user_id=world.ids["admin"])
    assert stranger["status"] == "left"
    assert await world.refused("getChatMember", chat_id=channel, user_id=5) == (
        400,
        "Bad Request: PARTICIPANT_ID_INVALID",
    )
    listed = await world.call("getChatAdministrators", chat_id=channel)
    assert {member["user"]["id"] for member in listed} == {world.ids["owner"], 424242}
    assert await world.call("getChatMemberCount", chat_id=channel) == 1000


async def test_posts_of_others_are_out_of_reach_without_the_right_to_edit(
    world: SandboxClient,
) -> None:
    channel = world.ids["channel"]
    theirs = await world.control(f"chats/{channel}/post", user_id=world.ids["owner"], text="news")
    edit = {"chat_id": channel, "message_id": theirs["message_id"]}
    refusal = (400, "Bad Request: message can't be edited")
    assert await world.refused("editMessageReplyMarkup", **edit) == refusal
    await world.promote(can_post_messages=True, can_edit_messages=True)
    markup = {"inline_keyboard": [[{"text": "a", "url": "https://example.org"}]]}
    await world.call("editMessageReplyMarkup", reply_markup=markup, **edit)


async def test_service_messages_cannot_be_edited(world: SandboxClient) -> None:
    await world.promote(can_post_messages=True, can_edit_messages=True)
    assert await world.refused(
        "editMessageReplyMarkup", chat_id=world.ids["channel"], message_id=1
    ) == (400, "Bad Request: message can't be edited")


async def test_own_post_is_out_of_reach_when_the_right_to_post_is_lost(
    world: SandboxClient,
) -> None:
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="x")
    await world.promote(can_delete_messages=True)
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    refusal = (400, "Bad Request: message can't be edited")
    assert await world.refused("editMessageText", text="y", **edit) == refusal


async def test_bot_leaves(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    assert await world.call("leaveChat", chat_id=channel) is True
    [update] = await world.updates()
    assert update["my_chat_member"]["new_chat_member"]["status"] == "left"
    assert (await world.refused("sendMessage", chat_id=channel, text="x"))[0] == 403


async def test_channel_by_its_username(world: SandboxClient) -> None:
    owner = world.ids["owner"]
    made = await world.control("channels", owner_id=owner, title="Open", username="open_channel")
    await world.control(
        f"chats/{made['id']}/members", bot=True, status="administrator", can_post_messages=True
    )
    sent = await world.call("sendMessage", chat_id="@Open_Channel", text="x")
    assert sent["chat"] == {
        "id": made["id"],
        "type": "channel",
        "title": "Open",
        "username": "open_channel",
    }


async def test_pinning_needs_the_right_and_counts_as_a_message(world: SandboxClient) -> None:
    group = world.ids["group"]
    sent = await world.call("sendMessage", chat_id=group, text="x")
    pin = {"chat_id": group, "message_id": sent["message_id"]}
    assert (await world.refused("pinChatMessage", **pin))[0] == 400
    await world.control(
        f"chats/{group}/members", user_id="bot", status="administrator", can_pin_messages=True
    )
    assert await world.call("pinChatMessage", **pin) is True
    assert (await world.call("getChat", chat_id=group))["pinned_message"]["text"] == "x"
    later = await world.call("sendMessage", chat_id=group, text="y")
    assert later["message_id"] == sent["message_id"] + 2
    assert await world.refused("pinChatMessage", chat_id=group, message_id=9999) == (
        400,
        "Bad Request: message to pin not found",
    )


async def test_flood_limits_can_be_switched_on(world: SandboxClient) -> None:
    send: Json = {"chat_id": world.ids["channel"], "text": "x"}
    await asyncio.gather(*(world.call("sendMessage", **send) for _ in range(3)))
    await world.control("limits", enabled=True)
    bodies = await asyncio.gather(*(world.answer("sendMessage", **send) for _ in range(3)))
    assert sum(body["ok"] for body in bodies) == 1
    body = next(body for body in bodies if not body["ok"])
    assert body["error_code"] == 429
    assert body["description"] == "Too Many Requests: retry after 1"
    assert body["parameters"] == {"retry_after": 1}
