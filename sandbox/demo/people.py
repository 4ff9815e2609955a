"""People who write, press and read: the control API of the sandbox, over HTTP."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from sandbox.demo.surprise import Unexpected

PATIENCE = 180.0
"""Seconds in which the product must have answered; after a SIGKILL it has to start again first."""

_LONG_POLL = 10.0
_SHOWN = 3
_LINE = 120
T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class Control:
    """The control API; close the session when done."""

    session: aiohttp.ClientSession
    url: str

    @classmethod
    def of(cls, facts: Json) -> "Control":
        """The control API of a running world."""
        headers = {"Authorization": f"Bearer {facts['control_token']}"}
        timeout = aiohttp.ClientTimeout(total=90)
        return cls(aiohttp.ClientSession(headers=headers, timeout=timeout), facts["control_url"])

    async def get(self, path: str, **query: str | float) -> Json:
        """Read something."""
        async with self.session.get(self.url + path, params=query) as response:
            return await _answer(path, response)

    async def post(self, path: str, **body: object) -> Json:
        """Do something. Raises Unexpected with the sandbox's sentence when it cannot be done."""
        async with self.session.post(self.url + path, json=body) as response:
            return await _answer(path, response)


async def _answer(path: str, response: aiohttp.ClientResponse) -> Json:
    answer: Json = await response.json()
    if response.status != 200:  # noqa: PLR2004 - OK
        raise Unexpected(f"{path} is possible", f"{response.status}: {answer.get('error')}")
    return answer


@dataclass(frozen=True)
class Chat:
    """A chat, as those in it see it."""

    control: Control
    id: int

    async def read(self, version: int | None = None, wait: float = 0) -> Json:
        """Its version and messages now, or as soon as it is newer than `version`."""
        query = {} if version is None else {"version": version}
        return await self.control.get(f"/chats/{self.id}/messages", wait=wait, **query)

    async def version(self) -> int:
        """A number that grows with every change."""
        return int((await self.read())["version"])

    async def until(self, look: Callable[[list[Json]], T | None], expected: str) -> T:
        """What `look` finds in the messages, as soon as it finds something.

        Raises Unexpected, with the chat's last messages, when it does not within PATIENCE.
        """
        deadline = time.monotonic() + PATIENCE
        version: int | None = None
        while True:
            shown = await self.read(version, min(_LONG_POLL, deadline - time.monotonic()))
            found = look(shown["messages"])
            if found is not None:
                return found
            if time.monotonic() >= deadline:
                raise Unexpected(expected, _last(shown["messages"]))
            version = shown["version"]

    async def shows(self, *parts: str, since: int = 0) -> Json:
        """The newest message that has each of `parts` in its text or on a button.

        Only messages sent or edited after version `since` count.
        """

        def look(messages: list[Json]) -> Json | None:
            fitting = (
                message
                for message in messages
                if message["version"] > since and all(part in words(message) for part in parts)
            )
            return max(fitting, key=lambda message: int(message["version"]), default=None)

        return await self.until(
            look, "a message with " + " and ".join(f"“{part}”" for part in parts)
        )


@dataclass(frozen=True)
class Person:
    """Somebody with a private chat with the bot."""

    control: Control
    id: int

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return Chat(self.control, self.id)

    async def say(
        self, text: str, *, then: str, chat: Chat | None = None, entities: list[Json] | None = None
    ) -> Json:
        """Write to the bot, or in `chat`; the message in which `then` appears as the answer."""
        place = chat or self.chat
        since = await place.version()
        path = f"/users/{self.id}/send"
        await self.control.post(path, chat_id=place.id, text=text, entities=entities)
        return await place.shows(then, since=since)

    async def press(
        self, button: str, *, on: Json | None = None, then: str, chat: Chat | None = None
    ) -> Json:
        """Press a button of message `on`, or of the newest that has it; where `then` appears.

        While the bot is being started again the press simply takes longer, as at Telegram. Raises
        Unexpected when it answers with an alert instead.
        """
        place = chat or self.chat
        since = await place.version()
        chosen = {} if on is None else {"message_id": on["message_id"]}
        pressed = await self.control.post(
            f"/users/{self.id}/press", chat_id=place.id, button=button, **chosen
        )
        if pressed.get("show_alert"):
            raise Unexpected(f"“{button}” leads to “{then}”", f"an alert: {pressed['text']}")
        return await place.shows(then, since=since)


def words(message: Json) -> str:
    """Text, caption and buttons of a message, a line each."""
    buttons = [button["text"] for row in message["buttons"] for button in row]
    return "\n".join([message["text"] or message["caption"] or "", *buttons])


def after(message: Json, words_before: str) -> str:
    """The rest of the line of a message in which these words stand."""
    line = next(line for line in words(message).split("\n") if words_before in line)
    return line.partition(words_before)[2].strip()


def _last(messages: list[Json]) -> str:
    lines = [" / ".join(words(message).split("\n"))[:_LINE] for message in messages[-_SHOWN:]]
    return " | ".join(lines) or "an empty chat"
