"""Read the entities that a request names itself (`get_text_entity` of telegram-bot-api)."""

import re
from dataclasses import replace

from sandbox.telegram.errors import bad_request
from sandbox.telegram.formatting.cleaning import clean_characters
from sandbox.telegram.formatting.dates import date_details
from sandbox.telegram.formatting.entity import BLOCKQUOTES, FOUND, SPLITTABLE, Entity
from sandbox.telegram.formatting.links import (
    MAX_USER_ID,
    LinkError,
    check_link,
    linked_user_id,
)
from sandbox.telegram.persistence import Json

_INTEGER = re.compile("-?[1-9][0-9]{0,18}|0")
SIMPLE = {*SPLITTABLE, *BLOCKQUOTES, "code"}


class _FieldError(ValueError):
    """A field of an entity is wrong. The text gives Telegram's reason."""


def read_entities(values: list[Json]) -> list[Entity]:
    """Return the entities of a list of Telegram's MessageEntity objects.

    Types that Telegram finds by itself are left out. Raises TelegramError for a wrong object.
    """
    entities: list[Entity] = []
    for value in values:
        try:
            entity = _read_entity(value)
        except _FieldError as error:
            raise bad_request(f"can't parse MessageEntity: {error}") from None
        if entity is not None:
            entities.append(entity)
    return entities


def _read_entity(value: object) -> Entity | None:
    if not isinstance(value, dict):
        raise _FieldError("expected an Object")
    offset, length = _integer(value, "offset"), _integer(value, "length")
    kind = _text(value, "type")
    if not kind:
        raise _FieldError("Type is not specified")
    if kind in FOUND:
        return None
    return Entity(kind, offset, length, _read_details(kind, value))


def _read_details(kind: str, value: Json) -> Json:
    if kind in SIMPLE:
        return {}
    if kind == "pre":
        language = _text(value, "language", otherwise="")
        return {"language": language} if language else {}
    if kind == "text_link":
        return {"url": _text(value, "url")}
    if kind == "text_mention":
        if "user" not in value:
            raise _FieldError('Can\'t find field "user"')
        user = value["user"]
        if not isinstance(user, dict):
            raise _FieldError('Field "user" must be of type Object')
        return {"user": {"id": _integer(user, "id", bits=64)}}
    if kind == "custom_emoji":
        return {"custom_emoji_id": str(_integer(value, "custom_emoji_id", bits=64))}
    if kind == "date_time":
        unix_time = _integer(value, "unix_time")
        date_format = _text(value, "date_time_format", otherwise="")
        details = date_details(unix_time, date_format, last_wins=True)
        if details is None:
            raise _FieldError("Invalid date-time format specified")
        return details
    raise _FieldError("Unsupported type specified")


def check_details(entity: Entity) -> Entity:
    """Return an entity with its address or language as Telegram stores it.

    Raises TelegramError for a wrong detail. The rules are those of `get_message_entities` in
    `MessageEntity.cpp` of TDLib.
    """
    details = entity.details
    if entity.type == "text_link":
        return _check_url(entity, _cleaned(details["url"], "TextUrl.url"))
    if entity.type == "pre" and details:
        return replace(
            entity, details={"language": _cleaned(details["language"], "PreCode.language")}
        )
    if entity.type == "text_mention" and not 0 < details["user"]["id"] <= MAX_USER_ID:
        raise bad_request("user not found")
    if entity.type == "custom_emoji" and details["custom_emoji_id"] == "0":
        raise bad_request("invalid custom emoji identifier specified")
    if entity.type == "date_time" and details["unix_time"] <= 0:
        raise bad_request("invalid date specified")
    return entity


def _check_url(entity: Entity, url: str) -> Entity:
    user_id = linked_user_id(url)
    if user_id is not None:
        return replace(entity, type="text_mention", details={"user": {"id": user_id}})
    try:
        return replace(entity, details={"url": check_link(url)})
    except LinkError as error:
        raise bad_request(f"entity URL '{url}' is invalid: {error}") from None


def _cleaned(text: str, field: str) -> str:
    """Return a detail without the characters that Telegram removes.

    HTML can write half of a character, which is refused.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad_request(f"messageEntity{field} must be encoded in UTF-8") from None
    return clean_characters(text)


def _integer(value: Json, name: str, *, bits: int = 32) -> int:
    if name not in value:
        raise _FieldError(f'Can\'t find field "{name}"')
    number = value[name]
    if isinstance(number, bool) or not isinstance(number, int | float | str):
        raise _FieldError(f'Field "{name}" must be a Number')
    limit = 2 ** (bits - 1)
    if not _INTEGER.fullmatch(str(number)) or not -limit <= int(number) < limit:
        raise _FieldError(f'Field "{name}" must be a valid Number')
    return int(number)


def _text(value: Json, name: str, *, otherwise: str | None = None) -> str:
    text = value.get(name, otherwise)
    if text is None:
        raise _FieldError(f'Can\'t find field "{name}"')
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise _FieldError(f'Field "{name}" must be of type String')
    return str(text)
