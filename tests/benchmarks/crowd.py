"""Simulate Telegram together with people who write to a bot and press its buttons."""

import asyncio
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import aiohttp

from sandbox.telegram import ports
from tests.benchmarks.telegram import HttpConnection

ADMIN_CHAT = -1_001_000_000_001
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
WEBHOOK_CONNECTIONS = 40
"""The usual largest number of connections that Telegram opens to a webhook."""
POLL_SECONDS = 25.0
POLL_LIMIT = 100
PRESSES_PER_MESSAGE = 3
"""After each message, a person presses this number of buttons."""
GIVE_UP_SECONDS = 120.0
Json = dict[str, Any]


@dataclass
class Person:
    """One person's private chat with the bot."""

    id: int
    shown: Json = field(default_factory=dict)
    """The message with buttons that the bot sent or edited last."""
    acts: int = 0
    missing: set[str] = field(default_factory=set)
    """The parts of the answer that the bot still owes: `screen`, and `press` after a press."""
    press_id: str = ""
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, *missing: str) -> None:
        """Expect the answers to a new act."""
        self.missing = set(missing)
        self.answered.clear()

    def take(self, what: str) -> None:
        """Note one answer of the bot."""
        self.missing.discard(what)
        if not self.missing:
            self.answered.set()


class Crowd:
    """A Bot API server, and the people who use the bot."""

    def __init__(self, token: str, people: Sequence[int], *, seed: int = 7) -> None:
        self.token = token
        self.people = {person_id: Person(person_id) for person_id in people}
        self.delay_seconds = 0.0
        """How long Telegram needs for each call of the bot."""
        self.calls = 0
        """The calls of the bot about messages and presses, without those that fetch updates."""
        self.webhook: Json = {}
        self.ready = asyncio.Event()
        """Set when the bot fetches updates, or has set its webhook."""
        self.bot_id = int(token.partition(":")[0])
        self._ids = itertools.count(1)
        self._random = random.Random(seed)
        self._updates: deque[Json] = deque()
        self._arrived = asyncio.Event()
        self._pressing: dict[str, Person] = {}
        """The person of each press that the bot has not answered, by the id of the press."""
        self._http: aiohttp.ClientSession | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self) -> None:
        """Serve the Bot API on a free port."""
        listener = ports.listen(0)
        self.url = f"http://{ports.HOST}:{ports.port_of(listener)}"
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._serve), sock=listener, backlog=512
        )
        connector = aiohttp.TCPConnector(limit=WEBHOOK_CONNECTIONS)
        self._http = aiohttp.ClientSession(connector=connector)

    async def close(self) -> None:
        """Stop serving, and close all connections."""
        assert self._http is not None
        assert self._server is not None
        await self._http.close()
        self._server.close()

    def forget_bot(self) -> None:
        """Forget the webhook and the waiting updates of a bot that has ended."""
        self.webhook, self._updates = {}, deque()
        self._pressing.clear()
        self.ready.clear()
        for person in self.people.values():
            person.shown, person.acts = {}, 0

    async def act(self, person: Person) -> float:
        """Let a person do the next act, and return the seconds until the bot's complete answer.

        The first act and every fourth one is the message /start, the others press a button.
        Raises TimeoutError if no answer comes.
        """
        choices = _choices(person.shown)
        is_press = person.acts % (PRESSES_PER_MESSAGE + 1) and choices
        person.acts += 1
        return (
            await self.press(person, self._random.choice(choices))
            if is_press
            else (await self.write(person, "/start"))
        )

    async def write(self, person: Person, text: str) -> float:
        """Let a person write a message, and return the seconds until the bot's answer."""
        person.begin("screen")
        return await self._wait_for_answer(person, {"message": self._message(person, text)})

    async def press(self, person: Person, data: str) -> float:
        """Let a person press a button, and return the seconds until the screen and the answer."""
        person.begin("screen", "press")
        person.press_id = str(next(self._ids))
        self._pressing[person.press_id] = person
        press = {
            "id": person.press_id,
            "from": _user(person.id),
            "message": person.shown,
            "chat_instance": "1",
            "data": data,
        }
        return await self._wait_for_answer(person, {"callback_query": press})

    def flood(self, person: Person, updates: int) -> None:
        """Let a person send messages without a pause."""
        for _ in range(updates):
            self._deliver({"message": self._message(person, "/start")})

    async def _wait_for_answer(self, person: Person, update: Json) -> float:
        begun = time.perf_counter()
        self._deliver(update)
        try:
            await asyncio.wait_for(person.answered.wait(), GIVE_UP_SECONDS)
        except TimeoutError as error:
            asked = update.get("callback_query", {}).get("data", "a message")
            raise TimeoutError(f"{asked}: no {', '.join(person.missing)}") from error
        return time.perf_counter() - begun

    def _message(self, person: Person, text: str) -> Json:
        chat = {"id": person.id, "type": "private", "first_name": "A"}
        message = {"message_id": next(self._ids), "date": int(time.time()), "chat": chat}
        return message | {"from": _user(person.id), "text": text}

    def _deliver(self, update: Json) -> None:
        update = {"update_id": next(self._ids)} | update
        if self.webhook.get("url"):
            self._start(self._post(update))
        else:
            self._updates.append(update)
            self._arrived.set()

    async def _post(self, update: Json) -> None:
        assert self._http is not None
        headers = {SECRET_HEADER: self.webhook.get("secret_token", "")}
        # The bot leaves TLS to a proxy, which is not measured here.
        url = self.webhook["url"].replace("https://", "http://")
        async with self._http.post(url, json=update, headers=headers) as response:
            response.raise_for_status()

    def _serve(
        self, connection: HttpConnection, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        """Answer one request after the time that Telegram needs."""
        method = path.rpartition("/")[2]
        form = read_form(headers, body)
        if method == "getUpdates":
            self._start(self._answer_poll(connection, int(form.get("offset") or 0)))
            return
        answer = {"ok": True, "result": self._do(method, form)}
        loop = asyncio.get_running_loop()
        loop.call_later(self.delay_seconds, connection.respond, HTTPStatus.OK, answer)

    async def _answer_poll(self, connection: HttpConnection, offset: int) -> None:
        updates = await self._fetch_updates(offset)
        connection.respond(HTTPStatus.OK, {"ok": True, "result": updates})

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch_updates(self, offset: int) -> list[Json]:
        """Return the next updates as soon as there is one, as `getUpdates` does."""
        self.ready.set()
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        if not self._updates:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), POLL_SECONDS)
            except TimeoutError:
                return []
        return list(itertools.islice(self._updates, POLL_LIMIT))

    def _do(self, method: str, form: Json) -> object:
        """Do one call of the bot, and return its result."""
        if method in {"sendMessage", "editMessageText"}:
            return self._show(form)
        if method == "answerCallbackQuery":
            self._note_press(form["callback_query_id"])
        elif method == "setWebhook":
            self.webhook = form
            self.ready.set()
        elif method == "deleteWebhook":
            self.webhook = {}
        elif method == "getWebhookInfo":
            count = {"has_custom_certificate": False, "pending_update_count": 0}
            return count | {"url": self.webhook.get("url", "")}
        elif method == "getMe":
            return {"id": self.bot_id, "is_bot": True, "first_name": "Bot", "username": "bench_bot"}
        elif method == "getChat":
            kind = {"type": "supergroup", "title": "Admins", "accent_color_id": 0}
            gifts = dict.fromkeys(
                (
                    *("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"),
                    "gifts_from_channels",
                ),
                False,
            )
            more = {"max_reaction_count": 1, "accepted_gift_types": gifts}
            return {"id": int(form["chat_id"])} | kind | more
        elif method == "getChatMember":
            return {"status": "member", "user": _user(self.bot_id) | {"is_bot": True}}
        return True

    def _show(self, form: Json) -> Json:
        self.calls += 1
        chat_id = int(form["chat_id"])
        message: Json = {
            "message_id": int(form.get("message_id") or next(self._ids)),
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup"},
            "from": _user(self.bot_id) | {"is_bot": True},
            "text": form["text"],
        }
        markup = json.loads(form.get("reply_markup") or "{}")
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
        person = self.people.get(chat_id)
        if person is not None:
            person.shown = message
            self._later(person.take, "screen")
        return message

    def _note_press(self, press_id: str) -> None:
        self.calls += 1
        person = self._pressing.pop(press_id, None)
        if person is not None and person.press_id == press_id:
            self._later(person.take, "press")

    def _later(self, note: Any, what: str) -> None:
        asyncio.get_running_loop().call_later(self.delay_seconds, note, what)


def read_form(headers: dict[str, str], body: bytes) -> Json:
    """Return the arguments of a call, from JSON or from a form."""
    if headers.get("content-type", "").startswith("application/json"):
        form: Json = json.loads(body)
        return form
    return dict(parse_qsl(body.decode()))


def _user(user_id: int) -> Json:
    return {"id": user_id, "is_bot": False, "first_name": "A", "language_code": "en"}


def _choices(message: Json) -> list[str]:
    """Return the data of the buttons that show another screen."""
    lines = message.get("reply_markup", {}).get("inline_keyboard", ())
    found = [button.get("callback_data", "") for line in lines for button in line]
    return [data for data in found if data.startswith("go:")]
