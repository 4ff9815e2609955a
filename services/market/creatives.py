"""Check and convert creatives (the contents of ads)."""

import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any

from services.market import links
from services.platform import characters, errors

KINDS = ("text", "photo", "video", "animation", "document", "album")
ALBUMS = (frozenset({"photo", "video"}), frozenset({"document"}))
"""The kinds of items that an album can have together."""
LEAST_ITEMS, MOST_ITEMS = 2, 10
"""Telegram shows between LEAST_ITEMS and MOST_ITEMS messages as one album."""
PREVIEW_SIZES = ("small", "large")
SHOWN_MEDIA = ("photo", "video", "animation")
"""The kinds whose file the channel shows, so that it can have a spoiler below its caption."""
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
    """The content of an ad: a text, at most one file and at most one link button, or an album."""

    kind: str
    text: str = ""
    """The text, or the caption of the picture, video, GIF or document. Empty for an album."""
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
    link_preview: dict[str, Any] | None = None
    """The preview of a link below a text, or None for a text without a preview.

    It has at most the keys `url` (the previewed page, if it is not the first link of the text),
    `size` (one of PREVIEW_SIZES) and `above` (True if the preview stands above the text).
    """

    items: tuple["Creative", ...] = ()
    """The messages of an album, in their order, each with its own file. Empty for other ads."""

    @property
    def messages(self) -> tuple["Creative", ...]:
        """The content of each message of the post: the items of an album, or the ad itself."""
        return self.items or (self,)

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
        if self.link_preview and "url" in self.link_preview:
            links.require(links.with_scheme(self.link_preview["url"]))
        for entity in self.entities:
            if entity.get("type") == "text_link":
                links.require(str(entity.get("url")), schemes=links.TEXT_SCHEMES)
                links.require_order(self.text, int(entity["offset"]), int(entity["length"]))
        for item in self.items:
            item.validate()
        return self

    def validate_stored(self) -> "Creative":
        """Check the creative against Telegram's limits, and return the creative.

        Links are not checked. Raises InvalidCreative, InvalidText.
        """
        if self.kind not in KINDS:
            raise errors.InvalidCreative("kind", "unknown")
        if self.kind == "album" or self.items:
            return _checked_album(self)
        if (self.kind == "text") != (self.file_id is None):
            raise errors.InvalidCreative(
                "file", "missing" if self.file_id is None else "unexpected"
            )
        if self.kind not in SHOWN_MEDIA and (self.caption_above or self.has_spoiler):
            raise errors.InvalidCreative("file", "flags")
        _check_preview(self)
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
        """Return the JSON object to store, without false flags and without an absent preview."""
        # Older versions of the program do not know these fields.
        stored = {name: value for name, value in asdict(self).items() if value is not False}
        if self.link_preview is None:
            del stored["link_preview"]
        del stored["items"]
        return stored | ({"items": [item.as_json() for item in self.items]} if self.items else {})

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Creative":
        """Build a creative from a stored JSON object, without a check."""
        items = tuple(Creative.from_json(item) for item in stored.get("items", ()))
        return Creative(**stored | {"items": items})


def read_or_none(stored: dict[str, Any]) -> Creative | None:
    """Build a creative from a stored JSON object. Return None if the object is invalid."""
    try:
        return Creative.from_json(stored).validate_stored()
    except (TypeError, ValueError, AttributeError, errors.DomainError):
        return None


def _checked_album(album: Creative) -> Creative:
    """Check an album and its items, and return the album. Raises InvalidCreative, InvalidText."""
    if album.button_text is not None or album.button_url is not None:
        raise errors.InvalidCreative("album", "button")
    if not LEAST_ITEMS <= len(album.items) <= MOST_ITEMS:
        raise errors.InvalidCreative("album", "number")
    if not any({item.kind for item in album.items} <= kinds for kinds in ALBUMS):
        raise errors.InvalidCreative("album", "mixed")
    if album != Creative("album", items=album.items):
        raise errors.InvalidCreative("album", "unexpected")
    for item in album.items:
        if item.button_text is not None or item.file_unique_id is None:
            raise errors.InvalidCreative("album", "unexpected")
        item.validate_stored()
    return album


def _check_preview(creative: Creative) -> None:
    preview = creative.link_preview
    if preview is None:
        return
    allowed = {
        "url": lambda value: isinstance(value, str),
        "size": lambda value: value in PREVIEW_SIZES,
        "above": lambda value: value is True,
    }
    if creative.kind != "text" or not all(
        name in allowed and allowed[name](value) for name, value in preview.items()
    ):
        raise errors.InvalidCreative("preview", "unknown")


def _has_hidden_marks(text: str) -> bool:
    return all(characters.is_invisible(character) for character in text) or any(
        unicodedata.category(character) in _LINE_BREAKS or character in _DIRECTION_MARKS
        for character in text
    )


def _check_button(text: str) -> None:
    if not text.strip() or utf16_length(text) > BUTTON_LIMIT:
        raise errors.InvalidText("button", BUTTON_LIMIT, utf16_length(text))
