"""Test that people can write, press buttons, choose channels and read their chats."""

import asyncio
from typing import Any

import pytest
from aiogram.types import ChatAdministratorRights

from tests.sandbox.telegram.raw_world import CONTROL_TOKEN, Json, SandboxClient

RIGHTS = dict.fromkeys(ChatAdministratorRights.model_fields, False) | {"can_post_messages": True}
CHOOSE = {
    "text": "Choose a channel",
    "request_chat": {
        "request_id": 7,
        "chat_is_channel": True,
        "chat_is_created": True,
        "user_administrator_rights": RIGHTS | {"can_promote_members": True},
        "bot_administrator_rights": RIGHTS,
        "request_title": True,
    },
}


async def offer(world: SandboxClient, who: str, **markup: Any) -> Json:
    sent: Json = await world.call(
        "sendMessage", chat_id=world.ids[who], text="Menu", reply_markup=markup
    )
    return sent


async def press(world: SandboxClient, button: str, who: str = "advertiser", **more: Any) -> Json:
    return await world.control(f"users/{world.ids[who]}/press", button=button, **more)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}])
async def test_token_is_required(world: SandboxClient, header: dict[str, str]) -> None:
    async with world.http.get(f"{world.url}/control/state", headers=header) as response:
        assert response.status == 401
        assert "token" in (await response.json())["error"]


async def test_press_is_a_callback_query_and_waits_for_its_answer(world: SandboxClient) -> None:
    sent = await offer(
        world, "advertiser", inline_keyboard=[[{"text": "💰 Wallet", "callback_data": "w"}]]
    )
    pressing = asyncio.create_task(press(world, "💰 Wallet"))
    [update] = await world.call("getUpdates", timeout=5)
    query = update["callback_query"]
    assert query["data"] == "w"
    assert query["from"]["id"] == world.ids["advertiser"]
    assert query["message"]["message_id"] == sent["message_id"]
    answer = {"callback_query_id": query["id"], "text": "Empty", "show_alert": True}
    assert await world.call("answerCallbackQuery", **answer) is True
    seen = await pressing
    assert (seen["answered"], seen["text"], seen["show_alert"]) == (True, "Empty", True)
    assert await world.refused("answerCallbackQuery", **answer) == (
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    )


async def test_press_without_waiting(world: SandboxClient) -> None:
    await offer(world, "advertiser", inline_keyboard=[[{"text": "Go", "callback_data": "g"}]])
    assert (await press(world, "Go", wait=False))["answered"] is False


async def test_old_callback_query_cannot_be_answered(
    world: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await offer(world, "advertiser", inline_keyboard=[[{"text": "Go", "callback_data": "g"}]])
    await press(world, "Go", wait=False)
    [update] = await world.updates()
    monkeypatch.setattr("sandbox.telegram.methods.queries.CALLBACK_SECONDS", 0)
    refusal = await world.refused(
        "answerCallbackQuery", callback_query_id=update["callback_query"]["id"]
    )
    assert refusal[0] == 400


async def test_newest_button_and_unique_beginnings(world: SandboxClient) -> None:
    await offer(world, "advertiser", inline_keyboard=[[{"text": "Open", "callback_data": "old"}]])
    await offer(
        world,
        "advertiser",
        inline_keyboard=[
            [{"text": "Open", "callback_data": "new"}],
            [
                {"text": "✅ Approve", "callback_data": "a"},
                {"text": "✅ App", "callback_data": "b"},
            ],
        ],
    )
    await press(world, "Open", wait=False)
    await press(world, "Approve", wait=False)
    pressed = [update["callback_query"]["data"] for update in await world.updates()]
    assert pressed == ["new", "a"]
    several = await world.control(
        f"users/{world.ids['advertiser']}/press", 400, button="✅", wait=False
    )
    assert "several buttons" in several["error"]
    nothing = await world.control(f"users/{world.ids['advertiser']}/press", 404, button="Nothing")
    assert nothing["error"]


async def test_reply_keyboard_sends_its_text(world: SandboxClient) -> None:
    await offer(world, "advertiser", keyboard=[[{"text": "Wallet"}, CHOOSE]])
    seen = await world.see(f"chats/{world.ids['advertiser']}/messages")
    kinds = [button["kind"] for button in seen["keyboard"]["buttons"][0]]
    assert kinds == ["text", "request_chat"]
    assert (await press(world, "Wallet"))["sent"]["text"] == "Wallet"
    assert [update["message"]["text"] for update in await world.updates()] == ["Wallet"]
    refused = await world.control(
        f"users/{world.ids['advertiser']}/press", 400, button="Choose a channel"
    )
    assert "choose_channel" in refused["error"]
    await offer(world, "advertiser", remove_keyboard=True)
    await world.control(f"users/{world.ids['advertiser']}/press", 404, button="Wallet")
    seen = await world.see(f"chats/{world.ids['advertiser']}/messages")
    assert seen["keyboard"] is None


@pytest.mark.parametrize("last", [False, True])
async def test_choosing_a_channel_makes_the_bot_an_administrator(
    world: SandboxClient, *, last: bool
) -> None:
    owner = world.ids["owner"]
    await world.say("/start", "owner")
    await world.updates()
    channel = (await world.control("channels", owner_id=owner, title="Mine"))["id"]
    await offer(world, "owner", keyboard=[[CHOOSE]])
    await world.control(
        f"users/{owner}/choose_channel",
        button="Choose a channel",
        channel_id=channel,
        my_chat_member_last=last,
    )
    updates = await world.updates()
    kinds = [next(reversed(update)) for update in updates]
    assert kinds == (["message", "my_chat_member"] if last else ["my_chat_member", "message"])
    by_kind = dict(zip(kinds, updates, strict=True))
    shared = by_kind["message"]["message"]["chat_shared"]
    assert shared == {"request_id": 7, "chat_id": channel, "title": "Mine"}
    member = by_kind["my_chat_member"]["my_chat_member"]["new_chat_member"]
    assert (member["status"], member["can_post_messages"], member["can_edit_messages"]) == (
        "administrator",
        True,
        False,
    )
    await world.call("sendMessage", chat_id=channel, text="x")


async def test_picker_does_not_offer_what_telegram_would_not(world: SandboxClient) -> None:
    channel, person = world.ids["channel"], world.ids["advertiser"]
    await offer(world, "advertiser", keyboard=[[CHOOSE]])
    fields = {"button": "Choose a channel", "channel_id": channel}
    not_theirs = await world.control(f"users/{person}/choose_channel", 400, **fields)
    assert "created" in not_theirs["error"]
    fields["channel_id"] = world.ids["group"]
    no_channel = await world.control(f"users/{person}/choose_channel", 400, **fields)
    assert "type" in no_channel["error"]


async def test_only_members_act_in_a_group(world: SandboxClient) -> None:
    group, stranger = world.ids["group"], world.ids["advertiser"]
    await offer(world, "group", inline_keyboard=[[{"text": "Approve", "callback_data": "a"}]])
    await world.control(f"users/{stranger}/press", 403, chat_id=group, button="Approve")
    await world.control(f"users/{stranger}/send", 403, chat_id=group, text="/queue")
    await press(world, "Approve", "admin", chat_id=group, wait=False)
    [update] = await world.updates()
    assert update["callback_query"]["from"]["id"] == world.ids["admin"]


async def test_anonymous_administrator_speaks_as_the_group(world: SandboxClient) -> None:
    group, admin = world.ids["group"], world.ids["admin"]
    say = {"chat_id": group, "text": "/killswitch"}
    await world.control(f"users/{admin}/send", **say, sender_chat=group)
    [update] = await world.updates()
    assert update["message"]["sender_chat"]["id"] == group
    assert update["message"]["from"]["username"] == "GroupAnonymousBot"
    channel = world.ids["channel"]
    await world.control(f"users/{admin}/send", 403, **say, sender_chat=channel)


async def test_pictures_and_entities(world: SandboxClient) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 2}]
    await world.say("", photo=True, caption="ad", entities=bold)
    await world.say("", video=True)
    await world.say("", animation=True)
    await world.say("hi", entities=bold)
    photo, video, animation, text = [update["message"] for update in await world.updates()]
    assert (photo["caption"], photo["caption_entities"]) == ("ad", bold)
    assert (video["video"]["mime_type"], "document" in animation) == ("video/mp4", True)
    assert text["entities"] == bold
    file = await world.call("getFile", file_id=photo["photo"][-1]["file_id"])
    headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
    async with world.http.get(
        f"{world.url}/control/files/{file['file_id']}", headers=headers
    ) as response:
        assert (await response.read())[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("users", 400, {}),
        ("users", 400, {"first_name": 5}),
        ("users/1/send", 404, {"chat_id": 1, "text": "x"}),
        ("users/x/send", 400, {}),
        ("channels", 404, {"owner_id": 1, "title": "x"}),
        ("chats/5/members", 404, {"user_id": "bot", "status": "left"}),
    ],
)
async def test_wrong_requests_are_refused(
    world: SandboxClient, path: str, status: int, body: dict[str, Any]
) -> None:
    assert (await world.control(path, status, **body))["error"]


async def test_a_person_edits_an_own_message_in_the_private_chat(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    sent = await world.say("helo")
    await world.updates()
    body = {"user_id": person, "message_id": sent["message_id"], "text": "hello"}
    await world.control(f"chats/{person}/edit", **body)
    [update] = await world.updates()
    assert update["edited_message"]["text"] == "hello"
    answer = await world.call("sendMessage", chat_id=person, text="good day")
    await world.control(f"chats/{person}/edit", 403, **body | {"message_id": answer["message_id"]})
    await world.control(f"chats/{person}/edit", 403, **body | {"user_id": world.ids["owner"]})
