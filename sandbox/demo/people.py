"""Write, press buttons and read messages as people do.

The demo sends requests to the sandbox's control API, which lets programs act as people.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from sandbox.demo.errors import Unexpected

PATIENCE = 180.0
"""The longest wait for a reaction of the product, in seconds.

This is enough time for a new start of a process after a SIGKILL.
"""

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
        """Return a client for the control API of a running sandbox.

        `facts` has the content of the sandbox's file `world.json`.
        """
        headers = {"Authorization": f"Bearer {facts['control_token']}"}
        timeout = aiohttp.ClientTimeout(total=90)
        return cls(aiohttp.ClientSession(headers=headers, timeout=timeout), facts["control_url"])

    async def get(self, path: str, **query: str | float) -> Json:
        """Send a GET request and return the answer.

        Raises Unexpected if the sandbox refuses the request.
        """
        async with self.session.get(self.url + path, params=query) as response:
            return await _answer(path, response)

    async def post(self, path: str, **body: object) -> Json:
        """Send a POST request and return the answer.

        If the sandbox refuses the request, raises Unexpected with the reason.
        """
        async with self.session.post(self.url + path, json=body) as response:
            return await _answer(path, response)


async def _answer(path: str, response: aiohttp.ClientResponse) -> Json:
    answer: Json = await response.json()
    if response.status != 200:  # noqa: PLR2004 - OK
        raise Unexpected(f"{path} is possible", f"{response.status}: {answer.get('error')}")
    return answer


@dataclass(frozen=True)
class Chat:
    """A chat of the sandbox, as its members see it."""

    control: Control
    id: int

    async def read(self, version: int | None = None, wait: float = 0) -> Json:
        """Return the version and the messages of the chat.

        The version is a number that grows with every change. If `version` is given, wait until the
        chat is newer than this version. The longest wait is `wait` seconds.
        """
        query = {} if version is None else {"version": version}
        return await self.control.get(f"/chats/{self.id}/messages", wait=wait, **query)

    async def version(self) -> int:
        """Return the version of the chat, a number that grows with every change."""
        return int((await self.read())["version"])

    async def until(self, check: Callable[[list[Json]], T | None], expected: str) -> T:
        """Call `check` with the chat's messages until the result is not None. Return the result.

        If the result is None, the function waits for the next change of the chat. Raises Unexpected
        after PATIENCE seconds. The error contains the text `expected` and the last messages of the
        chat.
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

        Each text can be in the message's text, in its caption, or on a button. Only messages that
        were sent or edited after the chat's version `since` are searched. If several messages fit,
        the message that was changed last is returned. Raises Unexpected after PATIENCE seconds.
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
    """A person who uses a private chat with the bot."""

    control: Control
    id: int

    @property
    def chat(self) -> Chat:
        """Return the person's private chat with the bot."""
        return Chat(self.control, self.id)

    async def say(
        self, text: str, *, then: str, chat: Chat | None = None, entities: list[Json] | None = None
    ) -> Json:
        """Write `text` in a chat, wait for a message that contains `then`, and return this message.

        If `chat` is None, the person writes in the private chat with the bot. Only messages that
        were sent or edited after the call began are searched. Raises Unexpected after PATIENCE
        seconds.
        """
        target_chat = chat or self.chat
        since = await target_chat.version()
        path = f"/users/{self.id}/send"
        await self.control.post(path, chat_id=target_chat.id, text=text, entities=entities)
        return await target_chat.shows(then, since=since)

    async def press(
        self, button: str, *, on: Json | None = None, then: str, chat: Chat | None = None
    ) -> Json:
        """Press a button, wait for a message that contains `then`, and return this message.

        If `on` is given, the button is searched in the message `on`. If `on` is None, it is
        searched in all messages, the newest message first. If `chat` is None, the chat is the
        private chat with the bot. Only messages that were sent or edited after the call began can
        be returned. Raises Unexpected if the bot answers with an alert, or after PATIENCE seconds.
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
    """Return the text or caption of a message, and then the text of each button on its own line."""
    buttons = [button["text"] for row in message["buttons"] for button in row]
    return "\n".join([message["text"] or message["caption"] or "", *buttons])


def after(message: Json, words_before: str) -> str:
    """Find the first line that contains `words_before`, and return the rest of this line."""
    line = next(line for line in words(message).split("\n") if words_before in line)
    return line.partition(words_before)[2].strip()


def _quote_last(messages: list[Json]) -> str:
    lines = [
        " / ".join(words(message).split("\n"))[:_QUOTED_LENGTH]
        for message in messages[-_QUOTED_MESSAGES:]
    ]
    return " | ".join(lines) or "an empty chat"
