"""Convert the fields of requests to objects of aiogram's method classes."""

import re
from collections.abc import Iterable, Mapping
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
from pydantic import BaseModel, ValidationError

from sandbox.telegram import json_input
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
TRUE_WORDS = frozenset({"true", "yes", "1"})

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
        "ip_address",
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
ALIASES = {"thumb": "thumbnail"}
"""Old names of fields."""
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

    def add(self, fields: Iterable[tuple[str, Any]]) -> None:
        """Add fields. Of several fields with one name, the first counts."""
        for name, value in fields:
            self.values.setdefault(name, value)


@dataclass(frozen=True)
class ParsedRequest:
    """A request as an object of the method's class, and the unknown fields that it also had."""

    method: TelegramMethod[Any]
    unknown_fields: list[str]


def parse_request(cls: MethodClass, raw: RawRequest) -> ParsedRequest:
    """Return the request as an object of the method's class, without unknown fields.

    Raises TelegramError if a field is wrong, or not supported by the sandbox.
    """
    kinds = form_kinds(cls)
    given = {ALIASES.get(name, name): value for name, value in raw.values.items()}
    unknown = [name for name in given if name not in kinds]
    values = {
        name: _convert_value(name, given[name], kind, raw.files)
        for name, kind in kinds.items()
        if not _is_missing(given.get(name), kind)
    }
    for name in raw.files:
        known = ALIASES.get(name, name)
        if known in kinds:
            values[known] = _convert_value(name, f"attach://{name}", kinds[known], raw.files)
    if not json_input.is_utf8([values, [[name, raw.files[name].name] for name in raw.files]]):
        raise bad_request("strings must be encoded in UTF-8")
    if "media" in values:
        values["media"] = _with_thumbnails(values["media"], raw.files)
    keyboard = values.get("reply_markup")
    if isinstance(keyboard, dict):
        values["reply_markup"] = _parse_markup(keyboard)
    parsed = _validate(cls, with_raw_entities(values))
    _drop_unknown_fields(parsed, unknown)
    for name in sorted(parsed.model_fields_set & UNSUPPORTED_FIELDS):
        if getattr(parsed, name) and not cls.model_fields[name].is_required():
            raise unsupported(name)
    return ParsedRequest(parsed, unknown)


def _is_missing(value: object, kind: str) -> bool:
    # A library may send an empty text for a field that has no value. An empty text itself is one.
    return value is None or (value == "" and kind != "text")


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
    converted = value
    if not isinstance(value, str):
        if kind == "text":
            # Telegram reads each JSON value of a request's own fields as the text that was sent.
            converted = json_input.dump(value).decode()
    elif kind == "number" and NUMBER.fullmatch(value):
        converted = int(value)
    elif kind == "flag":
        converted = value.strip().lower() in TRUE_WORDS
    elif kind == "json":
        converted = _load_json(name, value)
    elif kind == "file":
        converted = _find_upload(value, files)
    return converted


def _load_json(name: str, text: str) -> object:
    try:
        return json_input.load(text)
    except ValueError:
        raise bad_request(f"can't parse {name} JSON object") from None


def _find_upload(source: str, files: Mapping[str, Upload]) -> BufferedInputFile:
    upload = files.get(source.removeprefix("attach://"))
    if upload is None:
        raise bad_request("wrong remote file identifier specified")
    return BufferedInputFile(upload.content, upload.name or "file")


def _with_thumbnails(value: object, files: Mapping[str, Upload]) -> object:
    """Return the media of a request with the upload of each thumbnail, which has its own part."""
    if isinstance(value, list):
        return [_with_thumbnails(item, files) for item in value]
    if not isinstance(value, dict):
        return value
    known = {ALIASES.get(name, name): item for name, item in value.items()}
    if isinstance(known.get("thumbnail"), str):
        known["thumbnail"] = _find_upload(known["thumbnail"], files)
    return known


def _to_telegram_error(error: ValidationError) -> TelegramError:
    """Convert the first validation error, without the wrong field's value."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    # Telegram reads the text before the chat.
    first_error = next((each for each in errors if each["loc"] == ("text",)), errors[0])
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


def _drop_unknown_fields(value: object, names: list[str]) -> None:
    """Remove the unknown fields of an object and of its parts, and add their names to `names`."""
    if isinstance(value, BaseModel):
        if value.model_extra:
            names += value.model_extra
            value.model_extra.clear()
        for name in value.model_fields_set:
            _drop_unknown_fields(getattr(value, name, None), names)
    elif isinstance(value, list):
        for item in value:
            _drop_unknown_fields(item, names)
