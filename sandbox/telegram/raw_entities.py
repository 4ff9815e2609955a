"""Pass the entities of requests to the formatting, which checks them with Telegram's words."""

from typing import Any

from aiogram.types import MessageEntity


class RawEntity(MessageEntity):
    """An entity of a request. `source` is its JSON value, which nobody has checked."""

    source: Any = None


def with_raw_entities(value: Any) -> Any:
    """Return a JSON value whose lists of entities, at any depth, have RawEntity objects.

    As in Telegram, a value that should be such a list and is none counts as an empty one.
    """
    if isinstance(value, list):
        return [with_raw_entities(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _wrapped(part) if _names_entities(name) else with_raw_entities(part)
        for name, part in value.items()
    }


def _names_entities(name: str) -> bool:
    return name == "entities" or name.endswith("_entities")


def _wrapped(value: object) -> list[RawEntity]:
    entities = value if isinstance(value, list) else []
    return [
        RawEntity.model_construct(type="", offset=0, length=0, source=entity) for entity in entities
    ]


def sources(entities: list[MessageEntity] | None) -> list[Any]:
    """Return the JSON values of the entities of a request."""
    return [entity.source for entity in entities or [] if isinstance(entity, RawEntity)]
