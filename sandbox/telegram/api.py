"""Answer calls of Telegram's Bot API over HTTP."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import compare_digest
from typing import Any

from aiogram import methods
from aiogram.methods.base import TelegramMethod
from aiohttp import web

from sandbox.telegram import json_input, media, parsing, request_body
from sandbox.telegram.errors import TelegramError, bad_request, unsupported
from sandbox.telegram.faults import Fault
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.methods.catalogue import IMPLEMENTED
from sandbox.telegram.parsing import RawRequest
from sandbox.telegram.persistence import Json
from sandbox.telegram.registry import METHODS
from sandbox.telegram.state import State
from sandbox.telegram.updates import UpdateDelivery

logger = logging.getLogger(__name__)
PATH = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>[^/]+)")
FILE_PATH = re.compile(r"/file/bot(?P<token>[^/]+)/[a-z]+/(?P<file_id>[^/]+)")
LONGEST_DELAY = 3600.0
LONGEST_NAME, MOST_NAMES = 64, 1000
"""The longest name of an unknown field, and how many of them are counted."""
INTERNAL_ERROR = 500
FLOOD = 429
UNREADABLE_ANSWERS: dict[str, Callable[[], web.Response]] = {
    "garbage": lambda: web.Response(body=b'{"ok":tru\x00\xff', content_type="application/json"),
    "html_502": lambda: web.Response(
        text="<html><body><h1>502 Bad Gateway</h1></body></html>",
        status=502,
        content_type="text/html",
    ),
}


@dataclass(frozen=True)
class BotApi:
    """The HTTP handlers of the simulated Bot API.

    If `strict`, a call with an unknown field is refused.
    """

    state: State
    delivery: UpdateDelivery
    bot_token: str
    strict: bool = False

    def _is_bot_token(self, token: str) -> bool:
        return compare_digest(token.encode(errors="replace"), self.bot_token.encode())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call of a Bot API method."""
        try:
            return await self._handle(request)
        except TelegramError as error:
            response = error_response(error)
            if request.content.exception() is not None:
                # The rest of a body that cannot be read is not the next request.
                response.force_close()
            return response
        except web.HTTPException as error:
            return error_response(TelegramError(error.status, error.reason))
        except Exception:
            logger.exception("the call %s failed", request.path.rpartition("/")[2])
            return error_response(TelegramError(INTERNAL_ERROR, "Internal Server Error"))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        match = PATH.fullmatch(request.path)
        if match is None:
            raise TelegramError(404, "Not Found")
        if not self._is_bot_token(match["token"]):
            raise TelegramError(401, "Unauthorized")
        cls = METHODS.get(match["method"].lower())
        if cls is None:
            raise TelegramError(404, "Not Found: method not found")
        raw = await request_body.read(request)
        fault = self.state.faults.take(cls.__api_method__, find_chat_id(raw))
        if fault is None:
            return _success_response(await self._answer(cls, raw))
        return await self._answer_with_fault(request, fault, cls, raw)

    async def carry_out(self, method: str, raw: RawRequest) -> None:
        """Call the method in the answer to a webhook's update, if there is such a method."""
        cls = METHODS.get(method)
        if cls is not None:
            await self._answer(cls, raw)

    async def _answer(self, cls: type[TelegramMethod[Any]], raw: RawRequest) -> object:
        request = parsing.parse_request(cls, raw)
        self._note_unknown_fields(cls, request.unknown_fields)
        parsed = request.method
        if isinstance(parsed, methods.GetUpdates):
            return await self.delivery.poll(
                parsed.offset, parsed.limit, parsed.timeout, parsed.allowed_updates
            )
        implementation = IMPLEMENTED.get(cls)
        if implementation is None:
            name = cls.__api_method__
            raise unsupported(f"the method {name}")
        try:
            return implementation(MethodCall(self.state, self.delivery, parsed, raw.files))
        finally:
            self.state.commit()

    def _note_unknown_fields(self, cls: type[TelegramMethod[Any]], names: list[str]) -> None:
        if names and self.strict:
            raise bad_request(f"unknown field {names[0][:LONGEST_NAME]!a}")
        counts = self.state.ignored_fields
        for name in names:
            field = f"{cls.__api_method__}.{name[:LONGEST_NAME]}"
            if field not in counts and len(counts) < MOST_NAMES:
                logger.warning("an unknown field is ignored: %a", field)
                counts[field] = 0
            if field in counts:
                counts[field] += 1

    async def _answer_with_fault(
        self,
        request: web.Request,
        fault: Fault,
        cls: type[TelegramMethod[Any]],
        raw: RawRequest,
    ) -> web.StreamResponse:
        if fault.kind == "error":
            raise _fault_error(fault)
        if fault.kind == "slow":
            await self._delay(request, 1.0 if fault.delay_s is None else fault.delay_s)
        if fault.kind == "timeout_before":
            await self._delay(request, fault.delay_s)
        if fault.kind in {"refuse_before", "timeout_before"}:
            return close_connection(request)
        answer = _success_response(await self._answer(cls, raw))
        if fault.kind == "error_after":
            raise _fault_error(fault)
        if fault.kind == "timeout_after":
            await self._delay(request, fault.delay_s)
        if fault.kind in {"cut_after", "timeout_after"}:
            return close_connection(request)
        return UNREADABLE_ANSWERS[fault.kind]() if fault.kind in UNREADABLE_ANSWERS else answer

    async def _delay(self, request: web.Request, seconds: float | None) -> None:
        """Wait until the caller disconnects, the server stops, or the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (LONGEST_DELAY if seconds is None else seconds)
        while not self.state.notifier.closed and loop.time() < deadline:
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(min(0.05, max(0.0, deadline - loop.time())))

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Answer the download of a file with its bytes, or with the error 401 or 404."""
        match = FILE_PATH.fullmatch(request.path)
        if match is None or not self._is_bot_token(match["token"]):
            return error_response(TelegramError(401 if match else 404, "Unauthorized"))
        file = self.state.files.get(match["file_id"])
        if file is None:
            return error_response(TelegramError(404, "Not Found"))
        return web.Response(
            body=self.state.file_path(file).read_bytes(),
            content_type=file.mime_type or media.MIME_TYPES[file.kind],
        )


def find_chat_id(raw: RawRequest) -> int | str | None:
    """Return the chat id or the username that a request names, or None."""
    chat_id = raw.values.get("chat_id")
    if isinstance(chat_id, str) and parsing.NUMBER.fullmatch(chat_id):
        return int(chat_id)
    return chat_id if isinstance(chat_id, int | str) else None


def close_connection(request: web.Request) -> web.Response:
    """Close the connection without an answer. The returned response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    # aiohttp needs a response, although the connection is closed.
    return web.Response()


def _fault_error(fault: Fault) -> TelegramError:
    retry_after = fault.retry_after
    code = fault.error_code or (INTERNAL_ERROR if retry_after is None else FLOOD)
    default_text = "Internal Server Error"
    if code == FLOOD:
        default_text = f"Too Many Requests: retry after {retry_after}"
    return TelegramError(code, fault.description or default_text, retry_after=retry_after)


def _success_response(result: object) -> web.Response:
    return _json_response({"ok": True, "result": result}, 200)


def error_response(error: TelegramError) -> web.Response:
    """Build the HTTP response that reports a Telegram error."""
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    headers = {}
    if error.retry_after is not None:
        body["parameters"] = {"retry_after": error.retry_after}
        headers["Retry-After"] = str(error.retry_after)
    if error.migrate_to_chat_id is not None:
        body["parameters"] = {"migrate_to_chat_id": error.migrate_to_chat_id}
    return _json_response(body, error.code, headers)


def _json_response(
    body: Json, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    content = json_input.dump(body)
    return web.Response(
        body=content,
        status=status,
        content_type="application/json",
        headers=headers,
    )
