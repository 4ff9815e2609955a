"""Test requests of Bot API clients that are written in other languages."""

import json
from pathlib import Path

import aiohttp
import pytest

from tests.factories import pictures
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient, begin

PNG = pictures.png()


@pytest.fixture
def world(lenient_world: SandboxClient) -> SandboxClient:
    """Return a sandbox that ignores unknown fields, as Telegram does."""
    return lenient_world


async def _raw(
    world: SandboxClient, method: str, body: bytes | aiohttp.FormData
) -> tuple[int, str]:
    """Send a body as it is, and return the HTTP status and the error's text."""
    headers = {"Content-Type": "application/json"} if isinstance(body, bytes) else None
    url = f"{world.url}/bot{BOT_TOKEN}/{method}"
    async with world.http.post(url, data=body, headers=headers) as response:
        answer = await response.json()
        assert answer["ok"] == (response.status == 200)
        return response.status, answer.get("description", "")


async def test_half_an_emoji_is_refused_at_most(world: SandboxClient) -> None:
    chat = world.ids["advertiser"]
    body = b'{"chat_id": %d, "text": "a\\ud83d"}' % chat
    status, why = await _raw(world, "sendMessage", body)
    assert (status, why) == (400, "Bad Request: strings must be encoded in UTF-8")
    form = aiohttp.FormData({"chat_id": str(chat), "text": "x"})
    form.add_field(
        "reply_markup", '{"inline_keyboard": [[{"text": "\\udc00", "url": "http://a.b"}]]}'
    )
    assert await _raw(world, "sendMessage", form) == (status, why)
    answer = await world.control(f"users/{chat}/send", 400, chat_id=chat, text="\ud83d")
    assert answer["error"] == "the texts must be UTF-8"
    sent = await world.call("sendMessage", chat_id=chat, text="next")
    assert sent["text"] == "next"
    shown = await world.see(f"chats/{chat}/messages")
    assert shown["messages"][-1]["text"] == "next"


async def test_the_body_null_has_no_parameters(world: SandboxClient) -> None:
    assert await _raw(world, "getMe", b"null") == (200, "")


async def test_unknown_fields_are_ignored(world: SandboxClient) -> None:
    button = {"text": "A", "url": "https://a.example", "hide": {"deep": [1]}}
    markup = {"inline_keyboard": [[button]], "resize": True}
    sent = await world.call(
        "sendMessage",
        chat_id=world.ids["advertiser"],
        text="x",
        parse_mod="HTML",
        reply_markup=markup,
    )
    [[shown]] = sent["reply_markup"]["inline_keyboard"]
    assert shown == {"text": "A", "url": "https://a.example"}


@pytest.mark.parametrize(
    "markup",
    [
        {"inline_keyboard": [[{"text": "A", "callback_data": "a", "hide": False}]]},
        {"keyboard": [["Yes", "No"]]},
    ],
)
async def test_a_keyboard_of_another_library_is_taken(
    world: SandboxClient, markup: dict[str, object]
) -> None:
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text="x", reply_markup=markup)


@pytest.mark.parametrize(
    ("method", "field", "more"),
    [("sendPhoto", "photo", {"method": "sendPhoto"}), ("sendVideo", "video", {})],
)
async def test_further_parts_of_an_upload_are_taken(
    world: SandboxClient, method: str, field: str, more: dict[str, str]
) -> None:
    form = aiohttp.FormData({"chat_id": str(world.ids["advertiser"])} | more)
    form.add_field(field, PNG, filename="file")
    if field == "video":
        form.add_field("thumbnail", PNG, filename="small.jpg")
    assert await _raw(world, method, form) == (200, "")
    [*_, message] = world.state.messages[world.ids["advertiser"]].values()
    assert ("thumbnail" in message.body.get("video", {})) == (field == "video")


async def test_a_public_channel_is_shown_to_a_bot_outside_of_it(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    world.state.chats[channel].username = "daily_news"
    await world.control(f"chats/{channel}/members", user_id="bot", status="left")
    assert (await world.call("getChat", chat_id="@daily_news"))["id"] == channel
    assert await world.call("getChatMemberCount", chat_id="@daily_news")
    await world.control(f"chats/{channel}/members", user_id="bot", status="kicked")
    assert (await world.refused("getChat", chat_id="@daily_news"))[0] == 403


async def test_the_chat_of_commands_may_be_a_text(world: SandboxClient) -> None:
    scope = {"type": "chat", "chat_id": str(world.ids["group"])}
    commands = [{"command": "help", "description": "help"}]
    assert await world.call("setMyCommands", commands=commands, scope=scope)


async def test_an_invoice_has_a_button_to_pay(world: SandboxClient) -> None:
    sent = await world.call(
        "sendInvoice",
        chat_id=world.ids["advertiser"],
        title="x",
        description="x",
        payload="x",
        currency="XTR",
        prices=[{"label": "x", "amount": 5}],
    )
    [[button]] = sent["reply_markup"]["inline_keyboard"]
    assert button["pay"] is True


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"a": NaN}'])
async def test_a_body_that_is_no_object_has_no_parameters(
    world: SandboxClient, body: bytes
) -> None:
    """Test what tdlib/td does in HttpReader::read_next: a parse error is only logged."""
    assert await _raw(world, "getMe", body) == (200, "")
    refusal = (400, "Bad Request: message text is empty")
    assert await _raw(world, "sendMessage", body) == refusal


async def test_empty_form_values_are_no_values(world: SandboxClient) -> None:
    """Test what Query::arg and get_integer_arg of tdlib/telegram-bot-api do: empty is missing."""
    form = aiohttp.FormData(
        {
            "chat_id": str(world.ids["advertiser"]),
            "text": "x",
            "reply_markup": "",
            "entities": "",
            "reply_to_message_id": "",
            "disable_notification": "",
            "parse_mode": "",
        }
    )
    assert await _raw(world, "sendMessage", form) == (200, "")


async def test_scalars_of_another_type_are_read_as_their_text(world: SandboxClient) -> None:
    """Test what HttpReader::parse_json_parameters of tdlib/td does: each value is its text.

    Client::to_bool of tdlib/telegram-bot-api takes `yes`, `1` and `true` of any case as true.
    """
    chat = world.ids["advertiser"]
    sent = await world.call("sendMessage", chat_id=str(chat), text=5, protect_content="Yes")
    assert (sent["text"], sent["has_protected_content"]) == ("5", True)
    sent = await world.call("sendMessage", chat_id=chat, text="x", protect_content="maybe")
    assert "has_protected_content" not in sent


async def test_the_first_of_several_values_counts(world: SandboxClient) -> None:
    """Test what Query::arg of tdlib/telegram-bot-api does: the address comes before the body."""
    method = f"sendMessage?chat_id={world.ids['advertiser']}&text=address"
    assert await _raw(world, method, b'{"chat_id": 1, "text": "body"}') == (200, "")
    [*_, message] = world.state.messages[world.ids["advertiser"]].values()
    assert message.body["text"] == "address"


@pytest.mark.parametrize("name", ["getChatMembersCount", "GETCHATMEMBERCOUNT"])
async def test_former_names_and_any_case_of_methods(world: SandboxClient, name: str) -> None:
    """Test the names in Client::init_methods of tdlib/telegram-bot-api."""
    assert await world.call(name, chat_id=world.ids["channel"]) == 1000


async def test_ignored_fields_are_counted_and_refused_if_strict(
    world: SandboxClient, tmp_path: Path
) -> None:
    message = {"chat_id": world.ids["advertiser"], "text": "x", "parse_mod": "HTML"}
    for _ in range(2):
        await world.call("sendMessage", **message)
    state = await world.see("state")
    assert state["ignored_fields"] == {"sendMessage.parse_mod": 2}
    async with begin(tmp_path / "strict") as strict:
        await strict.populate()
        message["chat_id"] = strict.ids["advertiser"]
        refusal = (400, "Bad Request: unknown field 'parse_mod'")
        assert await strict.refused("sendMessage", **message) == refusal


async def test_waiting_time_is_also_a_header(world: SandboxClient) -> None:
    """Test the header that HttpConnection::send_response of tdlib/telegram-bot-api adds."""
    await world.control("faults", method="getMe", kind="error", retry_after=7)
    async with world.http.get(f"{world.url}/bot{BOT_TOKEN}/getMe") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_thumbnails_and_covers_are_parts_of_their_own(world: SandboxClient) -> None:
    """Test Client::get_input_thumbnail of tdlib/telegram-bot-api, with its former name `thumb`."""
    media = [
        {"type": "video", "media": "attach://film", "thumb": "attach://small", "duration": 9},
        {"type": "video", "media": "attach://film", "cover": "attach://small"},
        {"type": "photo", "media": "attach://small"},
    ]
    form = aiohttp.FormData({"chat_id": str(world.ids["advertiser"]), "media": json.dumps(media)})
    form.add_field("film", b"film", filename="film.mp4")
    form.add_field("small", PNG, filename="small.png")
    assert await _raw(world, "sendMediaGroup", form) == (200, "")
    *_, first, second, third = world.state.messages[world.ids["advertiser"]].values()
    assert first.body["video"]["thumbnail"]["file_size"] == len(PNG)
    assert first.body["video"]["duration"] == 9
    assert second.body["video"]["cover"][0]["file_size"] == len(PNG)
    assert "photo" in third.body
    change = {"type": "video", "media": "attach://film", "thumbnail": "attach://small"}
    form = aiohttp.FormData({"chat_id": str(world.ids["advertiser"]), "media": json.dumps(change)})
    form.add_field("message_id", str(third.message_id))
    form.add_field("film", b"film", filename="film.mp4")
    form.add_field("small", PNG, filename="small.png")
    assert await _raw(world, "editMessageMedia", form) == (200, "")
    assert third.body["video"]["thumbnail"]["file_size"] == len(PNG)
