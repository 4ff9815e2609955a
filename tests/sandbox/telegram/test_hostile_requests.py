"""Test that no request can hurt the sandbox: each is answered below 500, and all goes on."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.telegram.control.routes import ROUTES
from sandbox.telegram.methods.catalogue import IMPLEMENTED
from sandbox.telegram.registry import METHODS, form_kinds
from tests.sandbox.telegram.raw_world import BOT_TOKEN, CONTROL_TOKEN, begin

EXAMPLES = settings(max_examples=100)
SMILE = "\U0001f600"
WAITING = {"timeout", "wait", "charge_after"}
"""The fields that let a request wait."""


@dataclass(frozen=True)
class Address:
    """Where a server runs in another thread, and the ids of its first people and chats."""

    port: int
    ids: dict[str, int]


class Server:
    """A sandbox in a thread of its own, because hypothesis calls tests outside an event loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address: Address | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        async with begin(self.folder, strict=False) as world:
            if not world.state.chats:
                await world.populate()
            self.address = Address(int(world.url.rpartition(":")[2]), world.ids)
            self._ready.set()
            await self._stop.wait()

    def start(self) -> Address:
        """Start the server, and return its address."""
        self._thread.start()
        assert self._ready.wait(30)
        assert self.address is not None
        return self.address

    def stop(self) -> None:
        """Stop the server, and check that the stop works."""
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """Serve a sandbox, and start it again from its files after the tests."""
    folder = tmp_path_factory.mktemp("hostile")
    first = Server(folder)
    address = first.start()
    yield address
    first.stop()
    again = Server(folder)
    _check_that_all_goes_on(Address(again.start().port, address.ids))
    again.stop()


def _ask(
    port: int, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
        if (
            response.status == HTTPStatus.BAD_REQUEST
            and response.msg.get_content_maintype() == "text"
        ):
            # aiohttp itself refuses what is no HTTP, before the sandbox gets the request.
            return response.status, {"ok": False}
        return response.status, json.loads(content)
    finally:
        connection.close()


def _ask_control(port: int, path: str, fields: object) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
    return _ask(port, path, json.dumps(fields).encode(), headers)


def _check_that_all_goes_on(server: Address) -> None:
    """Check that the bot and a person can still write, and can read all chats."""
    bot, person = f"/bot{BOT_TOKEN}", server.ids["advertiser"]
    headers = {"Content-Type": "application/json"}
    _ask(server.port, f"{bot}/deleteWebhook")
    sent = json.dumps({"chat_id": person, "text": f"hello {SMILE}"}).encode()
    status, answer = _ask(server.port, f"{bot}/sendMessage", sent, headers)
    assert (status, answer["ok"]) == (200, True), answer
    said = {"chat_id": person, "text": SMILE}
    assert _ask_control(server.port, f"/control/users/{person}/send", said)[0] == 200
    newest = json.dumps({"offset": -1, "timeout": 0, "allowed_updates": []}).encode()
    status, answer = _ask(server.port, f"{bot}/getUpdates", newest, headers)
    assert (status, answer["result"][0]["message"]["text"]) == (200, SMILE)
    for chat in server.ids.values():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request(
            "GET",
            f"/control/chats/{chat}/messages",
            headers={"Authorization": f"Bearer {CONTROL_TOKEN}"},
        )
        assert connection.getresponse().status == 200
        connection.close()


def _nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


TEXTS = st.sampled_from(
    [
        *("", " ", "x", "a\ud83d", "\udc00b", "\x00", "a\x00b", "\u202e", SMILE, "x" * 5000),
        *("1", "-1", "007", "9" * 25, "1e999", "NaN", "true", "null", "[]", "{}", "[[", "\r\n--x"),
        *("@x", "@", "attach://x", "attach://", "http://[", "http://127.0.0.1:1/", "<b", "&#0;"),
        *("<a href='\x00'>b</a>", "../../etc/passwd", "photo", "HTML", "MarkdownV2", "XTR", "en"),
    ]
) | st.text(max_size=8)
NUMBERS = st.sampled_from(
    [
        *(0, 1, 2, -1, 3, 2**31, -(2**31) - 1, 2**53, 2**63 - 1, 2**63, -(2**64), 10**4000),
        *(0.5, -0.0, 1e308, float("nan"), float("inf")),
    ]
)
ATOMS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
NAMES = st.sampled_from(
    [
        *("text", "type", "offset", "length", "url", "user", "id", "language", "callback_data"),
        *("inline_keyboard", "keyboard", "label", "amount", "media", "caption", "chat_id"),
        *("message_id", "command", "description", "entities", "emoji", "can_post_messages"),
        *("request_chat", "request_id", "chat_is_channel", "is_disabled", "quote", "x", "\ud83d"),
    ]
)
VALUES = st.recursive(
    ATOMS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(NAMES, parts, max_size=4),
    max_leaves=10,
) | st.sampled_from([_nested(50), _nested(400)])
ENTITY = st.fixed_dictionaries(
    {"type": TEXTS | st.sampled_from(["bold", "text_link", "text_mention", "custom_emoji"])},
    optional={"offset": ATOMS, "length": ATOMS, "url": ATOMS, "user": VALUES, "x": VALUES},
)
BUTTON = st.dictionaries(NAMES, ATOMS, max_size=3) | TEXTS
ROWS = st.lists(st.lists(BUTTON, max_size=2), max_size=2)
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "entities": st.lists(ENTITY, max_size=3),
    "caption_entities": st.lists(ENTITY, max_size=3),
    "reply_markup": st.fixed_dictionaries({}, optional={"inline_keyboard": ROWS, "keyboard": ROWS}),
    "prices": st.lists(st.fixed_dictionaries({"label": TEXTS, "amount": NUMBERS}), max_size=2),
    "text": TEXTS,
    "caption": TEXTS,
}


def _fields(names: list[str], ids: list[int]) -> st.SearchStrategy[dict[str, Any]]:
    """Return requests with wrong and right values of some of the fields."""
    known = {"chat_id", "user_id", "from_chat_id", "channel_id", "owner_id"}
    choices = {
        name: (st.sampled_from(ids) | VALUES)
        if name in known
        else SHAPES.get(name, VALUES) | VALUES
        for name in names
        if name not in WAITING
    }
    return st.fixed_dictionaries({}, optional={**choices, "unknown": VALUES})


def _as_json(fields: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(fields).encode(), "application/json"


def _as_form(fields: dict[str, Any]) -> tuple[bytes, str]:
    pairs = [(name, _form_text(value)) for name, value in fields.items()]
    body = urlencode(pairs, errors="surrogatepass").encode()
    return body, "application/x-www-form-urlencoded"


def _as_parts(fields: dict[str, Any]) -> tuple[bytes, str]:
    body = b""
    for number, (name, value) in enumerate(fields.items()):
        file_name = '; filename="a\udcff/../\x00.png"' if number % 3 == 2 else ""
        head = f'--limit\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'
        content = head + _form_text(value) + "\r\n"
        body += content.encode(errors="surrogatepass")
    return body + b"--limit--\r\n", "multipart/form-data; boundary=limit"


def _form_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@EXAMPLES
@given(st.data())
def test_wrong_fields_of_every_method(server: Address, data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(sorted(IMPLEMENTED, key=lambda each: each.__name__)))
    ids = [*server.ids.values()]
    fields = data.draw(_fields(sorted(form_kinds(cls)), ids))
    body, content_type = data.draw(st.sampled_from([_as_json, _as_form, _as_parts]))(fields)
    path = f"/bot{BOT_TOKEN}/{cls.__api_method__}"
    status, answer = _ask(server.port, path, body, {"Content-Type": content_type})
    assert status < 500, (fields, answer)
    assert answer["ok"] is (status == 200)
    _check_that_all_goes_on(server)


CONTENT_TYPES = [
    *("", "application/json", "application/json; charset=utf-99", "text/plain", "a/b/c;;="),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data;boundary=x"),
    *('multipart/form-data; boundary="', "application/x-www-form-urlencoded; charset=x", "\xff"),
]
BODIES = [
    *(b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe", b'{"text":', b"[" * 100_000),
    *(b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"chat_id":' + b"9" * 5000 + b"}"),
    *(b'{"chat_id": NaN}', b"--x", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: a\r\n\r\nb\r\n"),
    *(b"--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--", b"a=%ff&=&b", b"a" * 200_000),
    *(b'--x\r\nContent-Disposition: form-data; name="\xff"; filename="\xff"\r\n\r\n\r\n--x--',),
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("method", ["getMe", "sendMessage", "sendPhoto"])
def test_bodies_that_nobody_can_read(server: Address, method: str, content_type: str) -> None:
    for body in BODIES:
        headers = {"Content-Type": content_type}
        status, answer = _ask(server.port, f"/bot{BOT_TOKEN}/{method}", body, headers)
        assert status < 500, (body[:100], answer)
        assert answer["ok"] is (status == 200)
    _check_that_all_goes_on(server)


@EXAMPLES
@given(
    method=st.sampled_from(sorted(METHODS)) | st.sampled_from(["", "x", "%00", "%ff", "getMe/x"]),
    query=st.sampled_from(["", "?chat_id=%ff", "?text=%00&chat_id=1", "?a&&=b", "?chat_id[]=1"]),
    content_type=st.sampled_from(CONTENT_TYPES),
    encoding=st.sampled_from(["", "", "gzip", "deflate", "identity", "x"]),
    body=st.binary(max_size=30),
)
def test_wrong_paths_and_encodings(
    server: Address, method: str, query: str, content_type: str, encoding: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
    status, answer = _ask(server.port, f"/bot{BOT_TOKEN}/{method}{query}", body, headers)
    assert status < 500, answer
    assert answer["ok"] is (status == 200)
    _check_that_all_goes_on(server)


CONTROL_FIELDS = [
    *("first_name", "username", "language_code", "owner_id", "title", "subscribers", "member_ids"),
    *("user_id", "status", "by", "text", "entities", "caption", "photo", "video", "document"),
    *("forward_from", "media_group_id", "reply_to_message_id", "sender_chat", "chat_id", "button"),
    *("message_id", "row", "column", "channel_id", "reactions", "description", "kind", "protected"),
    *("auto_delete_seconds", "link_preview_options", "has_media_spoiler", "can_post_messages"),
]
# Faults and limits change how the next calls end, a payment waits for the bot.
NOT_TRIED = ("/faults", "/limits", "/pay")
CONTROL_PATHS = sorted(
    path for verb, path, _ in ROUTES if verb == "POST" and not path.endswith(NOT_TRIED)
)


@EXAMPLES
@given(st.data())
def test_wrong_fields_of_the_control_api(server: Address, data: st.DataObject) -> None:
    ids = [*server.ids.values()]
    target = data.draw(st.sampled_from([*map(str, ids), "0", "x", "%00", "9" * 30]))
    path = data.draw(st.sampled_from(CONTROL_PATHS)).replace("{id}", target)
    fields = data.draw(_fields(CONTROL_FIELDS, ids) | VALUES)
    if isinstance(fields, dict):
        fields["wait"] = False
        if path.endswith("/members"):
            # A person who has blocked the bot gets nothing, which is right.
            fields["user_id"] = ids[1]
    status, answer = _ask_control(server.port, path.replace("{name}", "bot"), fields)
    assert status < 500, (path, fields, answer)
    _check_that_all_goes_on(server)


@pytest.mark.parametrize("wait", ["nan", "x", "1_000j", ""])
def test_wait_that_is_no_number_is_refused(server: Address, wait: str) -> None:
    path = f"/control/chats/{server.ids['channel']}/messages?after=99999&wait={wait}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", path, headers={"Authorization": f"Bearer {CONTROL_TOKEN}"})
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("seconds", [-1, 2**62])
def test_time_of_a_charge_must_be_possible(server: Address, seconds: int) -> None:
    path = f"/control/users/{server.ids['advertiser']}/pay"
    assert _ask_control(server.port, path, {"charge_after": seconds})[0] == 400
