"""Write, press buttons and read messages as people do."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from sandbox.demo.errors import Unexpected

PATIENCE = 600.0
"""The longest wait for a reaction of the product, in seconds. A busy machine needs minutes."""

_LONG_POLL = 10.0
_QUOTED_MESSAGES = 3
_QUOTED_LENGTH = 120
T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class Control:
    """A client of the control API. The caller must close its `session`."""

    session: aiohttp.ClientSession
    url: str

    @classmethod
    def of(cls, facts: Json) -> "Control":
        """Return a client for the sandbox whose file `world.json` contains `facts`."""
        headers = {"Authorization": f"Bearer {facts['control_token']}"}
        timeout = aiohttp.ClientTimeout(total=90)
        return cls(aiohttp.ClientSession(headers=headers, timeout=timeout), facts["control_url"])

    async def get(self, path: str, **query: str | float) -> Json:
        """Send a GET request and return the answer, or raise Unexpected after a refusal."""
        async with self.session.get(self.url + path, params=query) as response:
            return await _answer(path, response)

    async def post(self, path: str, **body: object) -> Json:
        """Send a POST request and return the answer, or raise Unexpected after a refusal."""
        async with self.session.post(self.url + path, json=body) as response:
            return await _answer(path, response)


async def _answer(path: str, response: aiohttp.ClientResponse) -> Json:
    answer: Json = await response.json()
    if response.status != 200:  # noqa: PLR2004 - OK
        raise Unexpected(f"{path} is possible", f"{response.status}: {answer.get('error')}")
    return answer


@dataclass(frozen=True)
class Chat:
    """A chat of the sandbox."""

    control: Control
    id: int

    async def read(self, version: int | None = None, wait: float = 0) -> Json:
        """Return the version and the messages of the chat.

        If `version` is given, first wait up to `wait` seconds for a newer version.
        """
        query = {} if version is None else {"version": version}
        return await self.control.get(f"/chats/{self.id}/messages", wait=wait, **query)

    async def version(self) -> int:
        """Return the version of the chat, a number that grows with every change."""
        return int((await self.read())["version"])

    async def until(self, check: Callable[[list[Json]], T | None], expected: str) -> T:
        """Repeat `check` on the chat's messages until the result is not None, and return it.

        After PATIENCE seconds, raises Unexpected with the text `expected`.
        """
        deadline = time.monotonic() + PATIENCE
        version: int | None = None
        while True:
            shown = await self.read(version, min(_LONG_POLL, deadline - time.monotonic()))
            result = check(shown["messages"])
            if result is not None:
                return result
            if time.monotonic() >= deadline:
                raise Unexpected(expected, _quote_last(shown["messages"]))
            version = shown["version"]

    async def shows(self, *parts: str, since: int = 0) -> Json:
        """Wait for a message that contains every text in `parts`, and return this message.

        Captions and buttons count as text. The message must be new or edited since the chat's
        version `since`. Raises Unexpected after PATIENCE seconds.
        """

        def check(messages: list[Json]) -> Json | None:
            matches = (
                message
                for message in messages
                if message["version"] > since and all(part in words(message) for part in parts)
            )
            return max(matches, key=lambda message: int(message["version"]), default=None)

        return await self.until(
            check, "a message with " + " and ".join(f"“{part}”" for part in parts)
        )


@dataclass(frozen=True)
class Person:
    """A person who uses the bot."""

    control: Control
    id: int

    @property
    def chat(self) -> Chat:
        """Return the person's private chat with the bot."""
        return Chat(self.control, self.id)

    async def say(
        self, text: str, *, then: str, chat: Chat | None = None, entities: list[Json] | None = None
    ) -> Json:
        """Write `text` in a chat, and return the next message that contains `then`.

        If `chat` is None, the chat is the private chat with the bot. Raises Unexpected after
        PATIENCE seconds.
        """
        target_chat = chat or self.chat
        since = await target_chat.version()
        path = f"/users/{self.id}/send"
        await self.control.post(path, chat_id=target_chat.id, text=text, entities=entities)
        return await target_chat.shows(then, since=since)

    async def press(
        self, button: str, *, on: Json | None = None, then: str, chat: Chat | None = None
    ) -> Json:
        """Press a button, and return the next message that contains `then`.

        If `on` is None, the button can be on any message. If `chat` is None, the chat is the
        private chat with the bot. Raises Unexpected after an alert, or after PATIENCE seconds.
        """
        target_chat = chat or self.chat
        since = await target_chat.version()
        chosen = {} if on is None else {"message_id": on["message_id"]}
        pressed = await self.control.post(
            f"/users/{self.id}/press", chat_id=target_chat.id, button=button, **chosen
        )
        if pressed.get("show_alert"):
            raise Unexpected(f"“{button}” leads to “{then}”", f"an alert: {pressed['text']}")
        return await target_chat.shows(then, since=since)


def words(message: Json) -> str:
    """Return the text or caption of a message, and each button's text on a new line."""
    buttons = [button["text"] for row in message["buttons"] for button in row]
    return "\n".join([message["text"] or message["caption"] or "", *buttons])


def after(message: Json, words_before: str) -> str:
    """Return the text after `words_before`, up to the end of the line."""
    line = next(line for line in words(message).split("\n") if words_before in line)
    return line.partition(words_before)[2].strip()


def _quote_last(messages: list[Json]) -> str:
    lines = [
        " / ".join(words(message).split("\n"))[:_QUOTED_LENGTH]
        for message in messages[-_QUOTED_MESSAGES:]
    ]
    return " | ".join(lines) or "an empty chat"
