"""One call of a Bot API method, as its implementation gets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiogram.client.default import Default
from aiogram.methods.base import TelegramMethod
from aiogram.types import MessageEntity

from sandbox import formatting, markup, serializers
from sandbox.formatting import Rich
from sandbox.parsing import Upload
from sandbox.persistence import Json
from sandbox.state import State
from sandbox.updates import Delivery

M = TypeVar("M", bound=TelegramMethod[Any])
V = TypeVar("V")


@dataclass(frozen=True)
class MethodCall(Generic[M]):
    """The world, the parsed request, and the files that came with it."""

    state: State
    delivery: Delivery
    request: M
    files: Mapping[str, Upload] = field(default_factory=dict)


def given(value: V | Default | None) -> V | None:
    """A field's value; aiogram's marker for "the bot's own default" means that none was given."""
    return None if isinstance(value, Default) else value


def rich_text(
    state: State,
    text: str | None,
    parse_mode: str | Default | None,
    entities: list[MessageEntity] | None,
) -> Rich:
    """Text or caption of a request, as the message will keep it.

    A person who is mentioned without a username is shown as known here; strangers are not linked.
    """
    dumped = [markup.as_json(entity) for entity in entities] if entities else None
    rich = formatting.understand(text or "", given(parse_mode), dumped)
    kept: list[Json] = []
    for entity in rich.entities:
        if entity["type"] == "text_mention":
            person = state.users.get(entity["user"]["id"])
            if person is None:
                continue
            kept.append({**entity, "user": serializers.user(person)})
        else:
            kept.append(entity)
    return Rich(rich.text, kept)
