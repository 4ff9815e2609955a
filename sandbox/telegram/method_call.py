"""Define the class for one call of a Bot API method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiogram.client.default import Default
from aiogram.methods.base import TelegramMethod
from aiogram.types import MessageEntity

from sandbox.telegram import serializers
from sandbox.telegram.formatting.entity import FormattedText
from sandbox.telegram.formatting.text import format_text
from sandbox.telegram.parsing import Upload
from sandbox.telegram.persistence import Json
from sandbox.telegram.raw_entities import sources
from sandbox.telegram.state import State
from sandbox.telegram.updates import UpdateDelivery

M = TypeVar("M", bound=TelegramMethod[Any])
V = TypeVar("V")


@dataclass(frozen=True)
class MethodCall(Generic[M]):
    """The state, the parsed request and the uploads of one Bot API call."""

    state: State
    delivery: UpdateDelivery
    request: M
    files: Mapping[str, Upload] = field(default_factory=dict)


def unwrap_default(value: V | Default | None) -> V | None:
    """Return the value of a field, or None for aiogram's marker `Default`."""
    return None if isinstance(value, Default) else value


def parse_text(
    state: State,
    text: str | None,
    parse_mode: str | Default | None,
    entities: list[MessageEntity] | None,
) -> FormattedText:
    """Return a request's text or caption as the message will store it.

    Raises TelegramError if the text or its entities are wrong.
    """
    formatted = format_text(text or "", unwrap_default(parse_mode), sources(entities))
    kept: list[Json] = []
    for entity in formatted.entities:
        if entity["type"] == "text_mention":
            person = state.users.get(entity["user"]["id"])
            if person is None:
                continue
            kept.append({**entity, "user": serializers.serialize_user(person)})
        else:
            kept.append(entity)
    return FormattedText(formatted.text, kept)
