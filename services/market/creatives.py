"""Check and convert creatives (the contents of ads)."""

import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any

from services.market import links
from services.platform import characters, errors

KINDS = ("text", "photo", "video", "animation")
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
BUTTON_LIMIT = 64
"""TEXT_LIMIT, CAPTION_LIMIT and BUTTON_LIMIT are in UTF-16 units without formatting marks."""
_LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units, as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True)
class Creative:
    """The content of an ad: a text, at most one file and at most one link button."""

    kind: str
    text: str = ""
    """The text, or the caption of the picture, video or GIF."""
    entities: list[dict[str, Any]] = field(default_factory=list)
    """The formatting of the text, exactly as Telegram sent it."""
    file_id: str | None = None
    button_text: str | None = None
    button_url: str | None = None
    file_unique_id: str | None = None
    """Telegram's permanent id of the file, or None for old files."""
    caption_above: bool = False
    """True if the caption stands above the file."""
    has_spoiler: bool = False
    """True if a reader must press the file to see it."""

    def validate(self) -> "Creative":
        """Check a new creative with its links, and return the creative.

        Raises InvalidCreative, InvalidText.
        """
        self.validate_stored()
        if self.kind == "text" and all(
            characters.is_invisible(character) for character in self.text
        ):
            raise errors.InvalidText("ad", TEXT_LIMIT, 0)
        if self.button_text is not None and _has_hidden_marks(self.button_text):
            raise errors.InvalidCreative("button", "hidden")
        if self.button_url is not None:
            links.require(self.button_url)
        for entity in self.entities:
            if entity.get("type") == "text_link":
                links.require(str(entity.get("url")), schemes=links.TEXT_SCHEMES)
                links.require_order(self.text, int(entity["offset"]), int(entity["length"]))
        return self

    def validate_stored(self) -> "Creative":
        """Check the creative against Telegram's limits, and return the creative.

        Links are not checked. Raises InvalidCreative, InvalidText.
        """
        if self.kind not in KINDS:
            raise errors.InvalidCreative("kind", "unknown")
        if (self.kind == "text") != (self.file_id is None):
            raise errors.InvalidCreative(
                "file", "missing" if self.file_id is None else "unexpected"
            )
        limit = TEXT_LIMIT if self.kind == "text" else CAPTION_LIMIT
        length = utf16_length(self.text)
        if length > limit or (self.kind == "text" and not self.text.strip()):
            raise errors.InvalidText("ad", limit, length)
        if (self.button_text is None) != (self.button_url is None):
            raise errors.InvalidCreative("button", "incomplete")
        if self.button_text is not None:
            _check_button(self.button_text)
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object to store, without the fields that are False."""
        # Older versions of the program do not know the fields that can be False.
        return {name: value for name, value in asdict(self).items() if value is not False}

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Creative":
        """Build a creative from a stored JSON object, without a check."""
        return Creative(**stored)


def read_or_none(stored: dict[str, Any]) -> Creative | None:
    """Build a creative from a stored JSON object. Return None if the object is invalid."""
    try:
        return Creative.from_json(stored).validate_stored()
    except (TypeError, ValueError, AttributeError, errors.DomainError):
        return None


def _has_hidden_marks(text: str) -> bool:
    return all(characters.is_invisible(character) for character in text) or any(
        unicodedata.category(character) in _LINE_BREAKS or character in _DIRECTION_MARKS
        for character in text
    )


def _check_button(text: str) -> None:
    if not text.strip() or utf16_length(text) > BUTTON_LIMIT:
        raise errors.InvalidText("button", BUTTON_LIMIT, utf16_length(text))
