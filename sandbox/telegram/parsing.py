"""Convert HTTP requests to objects of aiogram's method classes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiogram.methods.base import TelegramMethod
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    InlineKeyboardMarkup,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from aiohttp import BodyPartReader, web
from pydantic import BaseModel, ValidationError

from sandbox.telegram.errors import TelegramError, bad_request, unsupported
from sandbox.telegram.persistence import Json
from sandbox.telegram.raw_entities import with_raw_entities
from sandbox.telegram.registry import MethodClass, form_kinds

T = TypeVar("T", bound=BaseModel)

MARKUPS: dict[str, type[BaseModel]] = {
    "inline_keyboard": InlineKeyboardMarkup,
    "keyboard": ReplyKeyboardMarkup,
    "remove_keyboard": ReplyKeyboardRemove,
    "force_reply": ForceReply,
}
NUMBER = re.compile(r"-?\d{1,19}")
MAX_FILE = 50 * 1024 * 1024

# The sandbox does not support these fields, which change what a call does at Telegram.
# A call that ignored them would only pretend to succeed.
UNSUPPORTED_FIELDS = frozenset(
    {
        "allow_paid_broadcast",
        "business_connection_id",
        "callback_query_id",
        "certificate",
        "direct_messages_topic_id",
        "ephemeral_message_parameters",
        "inline_message_id",
        "is_flexible",
        "max_tip_amount",
        "message_effect_id",
        "message_thread_id",
        "need_email",
        "need_name",
        "need_phone_number",
        "need_shipping_address",
        "receiver_user_id",
        "rich_message",
        "subscription_period",
        "suggested_post_parameters",
        "suggested_tip_amounts",
    }
)
EMPTY_MESSAGES = {"chat_id": "chat_id is empty", "text": "message text is empty"}


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded with a request."""

    content: bytes
    name: str | None
    mime_type: str | None


@dataclass
class RawRequest:
    """A request whose fields have not been checked yet."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)


async def read_request(request: web.Request) -> RawRequest:
    """Read the fields and files of a request, or raise TelegramError for an unreadable body."""
    raw = RawRequest(dict(request.query))
    if request.method != "POST" or not request.can_read_body:
        return raw
    try:
        if request.content_type == "application/json":
            body = await request.json()
            # A library for Go sends `null` for a method without parameters.
            if not isinstance(body, dict | None):
                raise bad_request("request body must be a JSON object")
            raw.values.update(body or {})
        elif request.content_type == "application/x-www-form-urlencoded":
            raw.values.update(await request.post())
        elif request.content_type == "multipart/form-data":
            await _read_multipart(request, raw)
        else:
            raise bad_request("unsupported content type")
    except ValueError as error:
        raise bad_request("can't parse the request body") from error
    return raw


async def _read_multipart(request: web.Request, raw: RawRequest) -> None:
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise bad_request("can't parse the request body")
        content = bytes(await part.read(decode=True))
        if part.filename is None:
            raw.values[part.name] = content.decode()
        elif len(content) > MAX_FILE:
            raise TelegramError(413, "Request Entity Too Large")
        else:
            mime_type = part.headers.get("Content-Type")
            raw.files[part.name] = Upload(content, part.filename, mime_type)


def parse_request(cls: MethodClass, raw: RawRequest) -> TelegramMethod[Any]:
    """Return the request as an object of the method's class. Unknown fields are ignored.

    Raises TelegramError if a field is wrong, or not supported by the sandbox.
    """
    kinds = form_kinds(cls)
    values = {
        name: _convert_value(name, value, kinds.get(name, "text"), raw.files)
        for name, value in raw.values.items()
        if value is not None
    }
    for name in raw.files.keys() & kinds.keys():
        values[name] = _convert_value(name, f"attach://{name}", kinds[name], raw.files)
    if not is_utf8(values):
        raise bad_request("strings must be encoded in UTF-8")
    keyboard = values.get("reply_markup")
    if isinstance(keyboard, dict):
        values["reply_markup"] = _parse_markup(keyboard)
    parsed = _validate(cls, with_raw_entities(values))
    _drop_unknown_fields(parsed)
    for name in sorted(parsed.model_fields_set & UNSUPPORTED_FIELDS):
        if getattr(parsed, name) and not cls.model_fields[name].is_required():
            raise unsupported(name)
    return parsed


def _parse_markup(value: Json) -> BaseModel:
    # A union of the classes would parse a wrong keyboard as another class. The error's text would
    # then be wrong.
    for field_name, cls in MARKUPS.items():
        if field_name in value:
            return _validate(cls, _with_whole_buttons(value))
    raise bad_request("can't parse reply keyboard markup JSON object")


def _validate(cls: type[T], values: Json) -> T:
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise _to_telegram_error(error) from None


def _convert_value(name: str, value: object, kind: str, files: Mapping[str, Upload]) -> object:
    if not isinstance(value, str):
        return value
    if kind == "number" and NUMBER.fullmatch(value):
        return int(value)
    if kind == "json":
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None
    if kind == "file":
        upload = files.get(value.removeprefix("attach://"))
        if upload is None:
            raise bad_request("wrong remote file identifier specified")
        return BufferedInputFile(upload.content, upload.name or "file")
    return value


def _to_telegram_error(error: ValidationError) -> TelegramError:
    """Convert the first validation error, without the wrong field's value."""
    first_error = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first_error["loc"][0]) if first_error["loc"] else "request"
    if first_error["type"] == "missing" and len(first_error["loc"]) == 1:
        return bad_request(EMPTY_MESSAGES.get(name, f"there is no {name} in the request"))
    path = ".".join(str(part) for part in first_error["loc"])
    return bad_request(f"can't parse {path[:100]}: {first_error['msg']}")


def _with_whole_buttons(markup: Json) -> Json:
    """Return a keyboard with an object for each button that is only a text."""
    rows = markup.get("keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return markup
    whole = [
        [{"text": button} if isinstance(button, str) else button for button in row] for row in rows
    ]
    return markup | {"keyboard": whole}


def is_utf8(value: object) -> bool:
    """Return whether no text in a JSON value has half of a character, which is no UTF-8."""
    if isinstance(value, dict):
        return all(is_utf8(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(is_utf8(item) for item in value)
    return not isinstance(value, str) or not any("\ud800" <= unit <= "\udfff" for unit in value)


def _drop_unknown_fields(value: object) -> None:
    if isinstance(value, BaseModel):
        if value.model_extra:
            value.model_extra.clear()
        for name in value.model_fields_set:
            _drop_unknown_fields(getattr(value, name, None))
    elif isinstance(value, list):
        for item in value:
            _drop_unknown_fields(item)
