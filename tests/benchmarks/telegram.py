"""Simulate Telegram with little CPU time: `python -m tests.benchmarks.telegram PLAN.json`.

Keeps the sandbox's flood limits, but checks no rights and stores no messages. Writes the URL and
chats to `facts.json`, and each send to `sends.jsonl`.
"""

import asyncio
import itertools
import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox import folders
from sandbox.telegram import ports
from sandbox.telegram.errors import TelegramError
from sandbox.telegram.limits import Limits

SEND_LOG = "sends.jsonl"
FACTS = "facts.json"
FIRST_PERSON, FIRST_CHANNEL, ADMIN_CHAT = 1_001, -1_002_000_000_001, -1_001_000_000_001
Json = dict[str, Any]


class Chats:
    """The chats of the server, with their numbers of messages and their flood limits."""

    def __init__(self, plan: Json) -> None:
        self.bot = f"/bot{plan['token']}/"
        self.control = f"Bearer {plan['control_token']}"
        self.limits = Limits()
        self.limits.enabled = plan["limits"]
        people = range(FIRST_PERSON, FIRST_PERSON + plan["people"])
        channels = range(FIRST_CHANNEL, FIRST_CHANNEL - plan["channels"], -1)
        self.kinds = dict.fromkeys(people, "private") | dict.fromkeys(channels, "channel")
        self.kinds[ADMIN_CHAT] = "supergroup"
        self.facts: Json = {
            "people": list(people),
            "channels": [
                {"chat_id": chat_id, "owner": owner}
                for chat_id, owner in zip(channels, itertools.cycle(people), strict=False)
            ],
            "admin_chat_id": ADMIN_CHAT,
        }
        self._log = (Path(plan["folder"]) / SEND_LOG).open("a", buffering=1)
        self._counts: defaultdict[int, itertools.count[int]] = defaultdict(_count_from_one)

    def answer(self, path: str, authorization: str | None, body: bytes) -> tuple[int, Json]:
        """Return the status and the body of the answer to a request."""
        try:
            if path == "/control/limits" and authorization == self.control:
                self.limits.enabled = json.loads(body)["enabled"]
                return HTTPStatus.OK, {}
            if path == f"{self.bot}sendMessage":
                result = self._send(dict(parse_qsl(body.decode())))
                return HTTPStatus.OK, {"ok": True, "result": result}
            if path.startswith(f"{self.bot}editMessage"):
                raise TelegramError(400, "Bad Request: message is not modified")
            raise TelegramError(404, "Not Found: method not found")
        except TelegramError as error:
            answer = {"ok": False, "error_code": error.code, "description": error.description}
            if error.retry_after is not None:
                answer["parameters"] = {"retry_after": error.retry_after}
            return error.code, answer

    def _send(self, form: dict[str, str]) -> Json:
        chat_id = int(form["chat_id"])
        kind = self.kinds.get(chat_id)
        if kind is None:
            raise TelegramError(400, "Bad Request: chat not found")
        if not form.get("text"):
            raise TelegramError(400, "Bad Request: message text is empty")
        line = {"at": time.time(), "chat_id": chat_id, "channel": kind == "channel"}
        try:
            self.limits.admit(chat_id, private=kind == "private")
        except TelegramError:
            self._log.write(json.dumps(line | {"admitted": False}) + "\n")
            raise
        self._log.write(json.dumps(line | {"admitted": True}) + "\n")
        message: Json = {
            # All private chats share the bot's own counter.
            "message_id": next(self._counts[0 if kind == "private" else chat_id]),
            "chat": {"id": chat_id, "type": kind},
            "date": int(line["at"]),
            "text": form["text"],
        }
        if markup := form.get("reply_markup"):
            message["reply_markup"] = json.loads(markup)
        return message


def _count_from_one() -> "itertools.count[int]":
    return itertools.count(1)


class HttpConnection(asyncio.Protocol):
    """An HTTP connection with one request after another."""

    def __init__(
        self, serve: Callable[["HttpConnection", str, dict[str, str], bytes], None]
    ) -> None:
        """Call `serve` for each request, with its path, headers (in lower case) and body."""
        self._serve = serve
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to which the answers are written."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has arrived completely."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            request, *lines = self._received[:end].decode("latin-1").split("\r\n")
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", "0"))
            if len(self._received) < end + 4 + length:
                return
            body, self._received = (
                self._received[end + 4 : end + 4 + length],
                self._received[end + 4 + length :],
            )
            self._serve(self, request.split(" ")[1], headers, body)

    def respond(self, status: int, answer: Json) -> None:
        """Write an answer."""
        assert self._transport is not None
        body = json.dumps(answer, separators=(",", ":")).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)


async def serve(plan: Json) -> None:
    """Run the server until SIGTERM, and write its URL and chats to the file FACTS."""
    chats = Chats(plan)
    listener = ports.listen(0)
    loop = asyncio.get_running_loop()

    def respond(
        connection: HttpConnection, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        connection.respond(*chats.answer(path, headers.get("authorization"), body))

    server = await loop.create_server(lambda: HttpConnection(respond), sock=listener, backlog=512)
    facts = chats.facts | {"url": f"http://{ports.HOST}:{ports.port_of(listener)}"}
    folders.write_private(Path(plan["folder"]) / FACTS, json.dumps(facts))
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
