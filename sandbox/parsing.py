"""From an HTTP request to an instance of the method's class, or a 400 that says what is wrong."""

import json
import re
from collections.abc import Iterator, Mapping
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

from sandbox.errors import TelegramError, bad_request, unsupported
from sandbox.persistence import Json
from sandbox.registry import MethodClass, form_kinds

T = TypeVar("T", bound=BaseModel)

MARKUPS: dict[str, type[BaseModel]] = {
    "inline_keyboard": InlineKeyboardMarkup,
    "keyboard": ReplyKeyboardMarkup,
    "remove_keyboard": ReplyKeyboardRemove,
    "force_reply": ForceReply,
}
NUMBER = re.compile(r"-?\d{1,19}")
MAX_FILE = 50 * 1024 * 1024

# Fields of Telegram that would change what a call does and that the sandbox does not have.
# Taking them silently would be an invented success.
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
    """A file that came with the request."""

    content: bytes
    name: str | None
    mime_type: str | None


@dataclass
class Raw:
    """A request before it is understood."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)


async def read(request: web.Request) -> Raw:
    """Query and body of any of the forms that the Bot API takes."""
    raw = Raw(dict(request.query))
    if request.method != "POST" or not request.can_read_body:
        return raw
    try:
        if request.content_type == "application/json":
            body = await request.json()
            if not isinstance(body, dict):
                raise bad_request("request body must be a JSON object")
            raw.values.update(body)
        elif request.content_type == "application/x-www-form-urlencoded":
            raw.values.update(await request.post())
        elif request.content_type == "multipart/form-data":
            await _read_multipart(request, raw)
        else:
            raise bad_request("unsupported content type")
    except ValueError as error:
        raise bad_request("can't parse the request body") from error
    return raw


async def _read_multipart(request: web.Request, raw: Raw) -> None:
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


def understand(cls: MethodClass, raw: Raw) -> TelegramMethod[Any]:
    """The method's own object, with every field checked and none unknown."""
    kinds = form_kinds(cls)
    values = {
        name: _value(name, value, kinds.get(name, "text"), raw.files)
        for name, value in raw.values.items()
        if value is not None
    }
    for name in raw.files.keys() & kinds.keys():
        values[name] = f"attach://{name}"
    keyboard = values.get("reply_markup")
    if isinstance(keyboard, dict):
        values["reply_markup"] = _markup(keyboard)
    parsed = _validated(cls, values)
    for unknown in _unknown_fields(parsed):
        raise bad_request(f"unknown field {json.dumps(unknown[:64])}")
    for name in sorted(parsed.model_fields_set & UNSUPPORTED_FIELDS):
        if getattr(parsed, name) and not cls.model_fields[name].is_required():
            raise unsupported(name)
    return parsed


def _markup(value: Json) -> BaseModel:
    """The keyboard's own class, told by its field.

    A union would put a keyboard with a mistake inside down to another class, and report that.
    """
    for field_name, cls in MARKUPS.items():
        if field_name in value:
            return _validated(cls, value)
    raise bad_request("can't parse reply keyboard markup JSON object")


def _validated(cls: type[T], values: Json) -> T:
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise _explained(error) from None


def _value(name: str, value: object, kind: str, files: Mapping[str, Upload]) -> object:
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


def _explained(error: ValidationError) -> TelegramError:
    """The first complaint, with the field's name and never its content."""
    complaint = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(complaint["loc"][0]) if complaint["loc"] else "request"
    if complaint["type"] == "missing" and len(complaint["loc"]) == 1:
        return bad_request(EMPTY_MESSAGES.get(name, f"there is no {name} in the request"))
    place = ".".join(str(part) for part in complaint["loc"])
    return bad_request(f"can't parse {place[:100]}: {complaint['msg']}")


def _unknown_fields(model: BaseModel) -> Iterator[str]:
    yield from model.model_extra or ()
    for name in model.model_fields_set:
        yield from _unknown_inside(getattr(model, name, None))


def _unknown_inside(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _unknown_fields(value)
    elif isinstance(value, list):
        for item in value:
            yield from _unknown_inside(item)
