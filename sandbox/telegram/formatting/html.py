"""Parse Telegram's HTML (`parse_html` in `MessageEntity.cpp` of TDLib)."""

import re
from dataclasses import dataclass

from sandbox.telegram.formatting.dates import LAST_DATE, date_details
from sandbox.telegram.formatting.entity import Entity, cannot_parse, in_order
from sandbox.telegram.formatting.links import ascii_lower, is_emoji_id, link_entity
from sandbox.telegram.formatting.utf16 import byte_offset, utf16_length
from sandbox.telegram.persistence import Json

SIMPLE_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
TAGS = {*SIMPLE_TAGS, "a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_END = "\0"
"""The character behind the end of a source. It counts as white space, as in TDLib."""
_LONGEST_REFERENCE = 9
_LAST_CODE = 0x10FFFF
_SPACES = r" \t\r\n\0\v"
_PLAIN = re.compile(r"[^<&]+")
_REFERENCE = re.compile(r"&(?:#x(?P<hex>[0-9a-fA-F]*)|#(?P<decimal>[0-9]*)|(?P<name>[a-zA-Z]*))")
_TAG_NAME = re.compile(rf"[^{_SPACES}>]*")
_ATTRIBUTE_NAME = re.compile(rf"[^{_SPACES}=>/\"']*")
_NAME_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")
_SPACE = re.compile(r"[ \t\r\n\v]*")
_DATE = re.compile(r"0*([0-9]{1,10})(?![0-9])")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class _OpenTag:
    """A start tag whose end tag has not been read yet."""

    name: str
    attributes: dict[str, str]
    offset: int
    first_piece: int

    @property
    def language(self) -> str:
        """Return the programming language that a `code` tag names, or an empty text."""
        name = self.attributes.get("class", "") if self.name == "code" else ""
        return name.removeprefix("language-") if name.startswith("language-") else ""


class _HtmlParser:
    """The state of the parser. `at` is the index of the next character of the source."""

    def __init__(self, source: str) -> None:
        self.source = source + _END
        self.size = len(source)
        self.at = 0
        self.pieces: list[str] = []
        self.offset = 0
        self.open: list[_OpenTag] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < self.size:
            plain = _PLAIN.match(self.source, self.at, self.size)
            if plain:
                self.at = plain.end()
                self._write(plain[0])
            elif self.source[self.at] == "&":
                text, self.at = _read_reference(self.source, self.at)
                self._write(text)
            elif self.source[self.at + 1] == "/":
                self._read_end_tag()
            else:
                self._read_start_tag()
        if self.open:
            raise cannot_parse(
                f'Can\'t find end tag corresponding to start tag "{self.open[-1].name}"'
            )
        text = "".join(self.pieces)
        if _SURROGATE.search(text):
            raise cannot_parse(
                "Text contains invalid Unicode characters after decoding HTML entities, check for"
                " unmatched surrogate code units"
            )
        return text, in_order([_without_unused_language(entity) for entity in self.entities])

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self.offset += utf16_length(text)

    def _at_byte(self, index: int) -> str:
        return f"at byte offset {byte_offset(self.source, index)}"

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Skip the characters of a pattern that matches any text, and return them."""
        match = pattern.match(self.source, self.at)
        skipped = match[0] if match else ""
        self.at += len(skipped)
        return skipped

    def _read_start_tag(self) -> None:
        begin = self.at
        self.at += 1
        name = self._skip(_TAG_NAME)
        if self.source[self.at] == _END:
            raise cannot_parse(f"Unclosed start tag {self._at_byte(begin)}")
        name = ascii_lower(name)
        if name not in TAGS:
            raise cannot_parse(f'Unsupported start tag "{name}" {self._at_byte(begin)}')
        attributes: dict[str, str] = {}
        while self._has_attribute():
            key, value = self._read_attribute(name, begin)
            if value is not None or (name, key) == ("blockquote", "expandable"):
                attributes[key] = value or ""
        self.at += 1
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise cannot_parse(f'Tag "span" must have class "tg-spoiler" {self._at_byte(begin)}')
        self.open.append(_OpenTag(name, attributes, self.offset, len(self.pieces)))

    def _has_attribute(self) -> bool:
        self._skip(_SPACE)
        return self.source[self.at] != ">"

    def _read_attribute(self, tag: str, begin: int) -> tuple[str, str | None]:
        """Return the name of the next attribute, and its value or None."""
        name = self._skip(_ATTRIBUTE_NAME)
        if not name:
            raise cannot_parse(f'Empty attribute name in the tag "{tag}" {self._at_byte(begin)}')
        self._skip(_SPACE)
        if self.source[self.at] == "=":
            self.at += 1
            self._skip(_SPACE)
            has_value = True
        else:
            has_value = False
        if self.source[self.at] == _END:
            raise cannot_parse(f'Unclosed start tag "{tag}" {self._at_byte(begin)}')
        if not has_value:
            return name, None
        value = self._read_value()
        if self.source[self.at] == _END:
            raise cannot_parse(f"Unclosed start tag {self._at_byte(begin)}")
        return name, value

    def _read_value(self) -> str:
        quote = self.source[self.at]
        if quote not in "\"'":
            begin = self.at
            token = self._skip(_NAME_TOKEN)
            if self.source[self.at] not in " \t\r\n\0\v>":
                raise cannot_parse(f"Unexpected end of name token {self._at_byte(begin)}")
            return ascii_lower(token)
        plain = re.compile(rf"[^&\0{quote}]+")
        pieces: list[str] = []
        self.at += 1
        while self.source[self.at] not in (quote, _END):
            pieces.append(self._skip(plain))
            if self.source[self.at] == "&":
                text, self.at = _read_reference(self.source, self.at)
                pieces.append(text)
        if self.source[self.at] == quote:
            self.at += 1
        return "".join(pieces)

    def _read_end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise cannot_parse(f"Unexpected end tag {self._at_byte(begin)}")
        self.at += 2
        name = ascii_lower(self._skip(_TAG_NAME))
        self._skip(_SPACE)
        if self.source[self.at] != ">":
            raise cannot_parse(f"Unclosed end tag {self._at_byte(begin)}")
        self.at += 1
        opened = self.open.pop()
        if name not in {"", opened.name}:
            raise cannot_parse(
                f"Unmatched end tag {self._at_byte(begin)}, "
                f'expected "</{opened.name}>", found "</{name}>"'
            )
        if self.offset > opened.offset:
            self._add_entity(opened)

    def _add_entity(self, tag: _OpenTag) -> None:
        length = self.offset - tag.offset
        last = self.entities[-1] if self.entities else None
        same = last is not None and (last.offset, last.length) == (tag.offset, length)
        if tag.name == "pre" and same and last and last.type == "code" and last.details:
            self.entities[-1] = Entity("pre", last.offset, last.length, last.details)
        elif tag.name == "code" and same and last and last.type == "pre" and tag.language:
            details = {"language": tag.language}
            self.entities[-1] = Entity("pre", last.offset, last.length, details)
        else:
            kind = self._kind(tag)
            if kind:
                self.entities.append(Entity(kind[0], tag.offset, length, kind[1]))

    def _kind(self, tag: _OpenTag) -> tuple[str, Json] | None:
        """Return the type and the details of a tag's entity, or None if it has no entity."""
        if tag.name == "a":
            shown = "".join(self.pieces[tag.first_piece :])
            return link_entity(tag.attributes.get("href") or shown)
        if tag.name == "tg-emoji":
            return _emoji_kind(tag.attributes.get("emoji-id", ""))
        if tag.name == "tg-time":
            return _time_kind(tag.attributes)
        if tag.name == "blockquote" and "expandable" in tag.attributes:
            return "expandable_blockquote", {}
        details = {"language": tag.language} if tag.language else {}
        return SIMPLE_TAGS.get(tag.name, tag.name), details


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the text and the entities of Telegram's HTML, or raise TelegramError."""
    return _HtmlParser(source).parse()


def _read_reference(source: str, at: int) -> tuple[str, int]:
    """Return the characters for the reference at an "&", and the index behind it.

    An unknown reference is kept: the result is then "&".
    """
    match = _REFERENCE.match(source, at)
    if match is None:
        return "&", at + 1
    character = CHARACTERS.get(match["name"] or "") or _numbered_character(match)
    if character is None:
        return "&", at + 1
    return character, match.end() + (source[match.end()] == ";")


def _numbered_character(reference: re.Match[str]) -> str | None:
    if len(reference[0]) > _LONGEST_REFERENCE:
        return None
    code = int(reference["hex"] or "0", 16) or int(reference["decimal"] or "0")
    return chr(code) if 0 < code < _LAST_CODE else None


def _emoji_kind(emoji_id: str) -> tuple[str, Json]:
    if not is_emoji_id(emoji_id):
        raise cannot_parse("Invalid custom emoji identifier specified")
    return "custom_emoji", {"custom_emoji_id": emoji_id}


def _time_kind(attributes: dict[str, str]) -> tuple[str, Json] | None:
    number = _DATE.match(attributes.get("unix", ""))
    unix_time = int(number[1]) if number else 0
    details = date_details(unix_time, attributes.get("format", ""))
    if details is None:
        raise cannot_parse("Invalid date format used")
    return ("date_time", details) if 0 < unix_time <= LAST_DATE else None


def _without_unused_language(entity: Entity) -> Entity:
    return Entity("code", entity.offset, entity.length) if entity.type == "code" else entity
