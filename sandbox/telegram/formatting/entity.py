"""Define a formatted text, its entities (for example a bold part), and the groups of their types.

The groups and the order are those of `MessageEntity.cpp` of TDLib.
"""

from dataclasses import dataclass, field, replace

from sandbox.telegram.errors import TelegramError, bad_request
from sandbox.telegram.persistence import Json

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
"""The types that may cross others: Telegram splits them where another entity begins or ends."""
BLOCKQUOTES = frozenset({"blockquote", "expandable_blockquote"})
PRE = frozenset({"pre", "code", "date_time"})
"""The types that contain no other entity, and stand in no other entity but a quotation."""
FOUND = frozenset(
    {
        *("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"),
        "bank_card_number",
    }
)
"""The types that Telegram finds in a text by itself, and ignores in the requests of bots."""
CONTINUOUS = FOUND | {"text_link", "text_mention", "custom_emoji"}
"""The types that Telegram never splits, and that stand in none of each other."""
_PRIORITIES = {
    "blockquote": 0,
    "expandable_blockquote": 0,
    "pre": 11,
    "code": 20,
    "date_time": 30,
    "text_link": 49,
    "text_mention": 49,
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
}
_PRE_WITH_LANGUAGE = 10
_OTHER_PRIORITY = 50


@dataclass
class FormattedText:
    """A text and its entities as Telegram's MessageEntity objects."""

    text: str
    entities: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Entity:
    """A part of a text with a format. The offset and the length are in UTF-16 units.

    `details` has the other fields of Telegram's MessageEntity, for example `url`.
    """

    type: str
    offset: int
    length: int
    details: Json = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Return the offset of the first unit behind the part."""
        return self.offset + self.length

    def between(self, begin: int, end: int) -> "Entity":
        """Return the same format for the part from `begin` to `end`."""
        return replace(self, offset=begin, length=end - begin)

    def to_json(self) -> Json:
        """Return Telegram's MessageEntity object."""
        return {
            "type": self.type,
            "offset": self.offset,
            "length": self.length,
            **self.details,
        }


def in_order(entities: list[Entity]) -> list[Entity]:
    """Return the entities in Telegram's order: by offset, then the longer ones, then by type."""
    return sorted(entities, key=_sort_key)


def _sort_key(entity: Entity) -> tuple[int, int, int]:
    priority = _PRIORITIES.get(entity.type, _OTHER_PRIORITY)
    if entity.type == "pre" and "language" in entity.details:
        priority = _PRE_WITH_LANGUAGE
    return (entity.offset, -entity.length, priority)


def cannot_parse(text: str) -> TelegramError:
    """Return the error for a text whose markup is wrong."""
    return bad_request(f"can't parse entities: {text}")
