"""Test that the Bot API reads all formats of requests, and refuses wrong requests."""

import json
from typing import Any

import aiohttp
import pytest

from tests.factories import pictures
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient


async def test_get_me_says_who_the_bot_is(world: SandboxClient) -> None:
    me = await world.call("getMe")
    assert me["id"] == 424242
    assert me["is_bot"] is True
    assert me["username"]
    assert me["can_read_all_group_messages"] is False


@pytest.mark.parametrize("token", ["424242:wrong", "1:x", "nonsense"])
async def test_wrong_token_is_unauthorized(world: SandboxClient, token: str) -> None:
    body = await world.answer("getMe", token=token)
    assert body == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_unknown_method_is_not_found(world: SandboxClient) -> None:
    assert await world.refused("sendMesage") == (404, "Not Found: method not found")


async def test_known_method_that_is_not_there_is_an_error(world: SandboxClient) -> None:
    code, text = await world.refused("setPassportDataErrors", user_id=2, errors=[])
    assert code == 400
    assert text == "Bad Request: the method setPassportDataErrors is not supported in the sandbox"


async def test_method_names_ignore_case(world: SandboxClient) -> None:
    assert (await world.call("GETME"))["id"] == 424242


def _forms(fields: dict[str, str]) -> list[dict[str, Any]]:
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        multipart.add_field(name, value)
    return [{"params": fields}, {"data": fields}, {"data": multipart}, {"json": fields}]


@pytest.mark.parametrize("form", range(4))
async def test_query_form_multipart_and_json_say_the_same(world: SandboxClient, form: int) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Buy", "callback_data": "buy"}]]}
    fields = {
        "chat_id": str(world.ids["channel"]),
        "text": "bold",
        "entities": json.dumps([{"type": "bold", "offset": 0, "length": 4}]),
        "reply_markup": json.dumps(keyboard),
        "disable_notification": "true",
    }
    url = f"{world.url}/bot{BOT_TOKEN}/sendMessage"
    async with world.http.post(url, **_forms(fields)[form]) as response:
        body = await response.json()
    assert body["ok"], body
    sent = body["result"]
    assert sent["chat"]["id"] == world.ids["channel"]
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    assert sent["reply_markup"] == keyboard


async def test_get_request_works(world: SandboxClient) -> None:
    async with world.http.get(f"{world.url}/bot{BOT_TOKEN}/getMe") as response:
        assert (await response.json())["result"]["id"] == 424242


async def test_multipart_photo_is_kept_and_can_be_fetched(world: SandboxClient) -> None:
    picture = pictures.png()
    form = aiohttp.FormData()
    form.add_field("chat_id", str(world.ids["channel"]))
    form.add_field("photo", "attach://picture")
    form.add_field("caption", "<b>Look</b>")
    form.add_field("parse_mode", "HTML")
    form.add_field("picture", picture, filename="a.png")
    url = f"{world.url}/bot{BOT_TOKEN}/sendPhoto"
    async with world.http.post(url, data=form) as response:
        sent = (await response.json())["result"]
    assert sent["caption"] == "Look"
    assert sent["caption_entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    file = await world.call("getFile", file_id=sent["photo"][-1]["file_id"])
    assert file["file_size"] == len(picture)
    async with world.http.get(f"{world.url}/file/bot{BOT_TOKEN}/{file['file_path']}") as response:
        assert await response.read() == picture
    async with world.http.get(f"{world.url}/file/bot1:no/{file['file_path']}") as response:
        assert response.status == 401


async def test_file_in_the_field_itself_and_again_by_its_id(world: SandboxClient) -> None:
    form = aiohttp.FormData()
    form.add_field("chat_id", str(world.ids["advertiser"]))
    form.add_field("animation", b"GIF", filename="a.gif", content_type="image/gif")
    url = f"{world.url}/bot{BOT_TOKEN}/sendAnimation"
    async with world.http.post(url, data=form) as response:
        first = (await response.json())["result"]
    assert first["document"]["file_id"] == first["animation"]["file_id"]
    file_id = first["animation"]["file_id"]
    channel = world.ids["channel"]
    second = await world.call("sendAnimation", chat_id=channel, animation=file_id)
    assert second["animation"]["file_id"] == file_id
    code, text = await world.refused("sendPhoto", chat_id=channel, photo=file_id)
    assert (code, text) == (400, "Bad Request: can't use file of type Animation as Photo")
    code, _ = await world.refused("sendPhoto", chat_id=channel, photo="unknown")
    assert code == 400
    code, _ = await world.refused("sendPhoto", chat_id=channel, photo="attach://nothing")
    assert code == 400


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 1}, "message text is empty"),
        ({"chat_id": 1, "text": "x", "entities": "[{"}, "can't parse entities JSON object"),
        (
            {"chat_id": 1, "text": "x", "reply_markup": {"inline": []}},
            "can't parse reply keyboard markup JSON object",
        ),
        (
            {"chat_id": 1, "text": "x", "reply_markup": {"keyboard": [[{"txt": "a"}]]}},
            "can't parse keyboard.0.0.text: Field required",
        ),
        (
            {
                "chat_id": 1,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a"}]]},
            },
            "can't parse inline keyboard button: exactly one action is needed",
        ),
        (
            {"chat_id": 1, "text": "x", "message_thread_id": 5},
            "message_thread_id is not supported in the sandbox",
        ),
    ],
)
async def test_request_that_the_class_does_not_take(
    world: SandboxClient, fields: dict[str, Any], description: str
) -> None:
    assert await world.refused("sendMessage", **fields) == (400, f"Bad Request: {description}")
