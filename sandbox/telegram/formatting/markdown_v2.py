"""Parse Telegram's MarkdownV2 (`parse_markdown_v2` in `MessageEntity.cpp` of TDLib)."""

import re
from dataclasses import dataclass, field

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.entity import Entity, cannot_parse, in_order
from sandbox.telegram.formatting.links import emoji_or_date_entity, link_entity
from sandbox.telegram.formatting.utf16 import byte_offset, utf16_length
from sandbox.telegram.persistence import Json

RESERVED = "_*[]()~`>#+-=|{}.!\n"
NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
"""The names of the types in the texts of errors."""
_MARKERS = {
    "bold": "*",
    "italic": "_",
    "underline": "__",
    "strikethrough": "~",
    "spoiler": "||",
    "code": "`",
    "pre": "```",
    "text_link": "]",
    "custom_emoji": "]",
}
"""The characters that end an entity of each type."""
_BEGINNINGS = {
    "```": "pre",
    "__": "underline",
    "||": "spoiler",
    "![": "custom_emoji",
    "_": "italic",
    "*": "bold",
    "~": "strikethrough",
    "`": "code",
    "[": "text_link",
}
"""The characters that begin an entity, the longer ones first."""
_END = "\0\0\0"
"""The characters behind the end of a source, so that the parser can look ahead."""
_PLAIN = re.compile(r"[^\\_*\[\]()~`>#+\-=|{}.!\n]+")
_PLAIN_IN_CODE = re.compile(r"[^\\`]+")
_ESCAPED = re.compile(r"\\([\x01-\x7e])", re.DOTALL)
_LANGUAGE = re.compile(r"[^ \t\r\n\0\v`]+(?=[ \t\r\n\0\v])")
_LINE_END = re.compile(r"\n\r|\r\n|\n|\r|")
_URL = re.compile(r"(?:\\[\x01-\x7e]|[^)])*", re.DOTALL)


@dataclass(frozen=True)
class _Open:
    """An entity whose end has not been read yet. `at` is the index of its first character."""

    type: str
    at: int
    offset: int
    first_piece: int
    details: Json = field(default_factory=dict)

    def not_ended(self, source: str) -> TelegramError:
        name = ("PreCode" if self.details else "Pre") if self.type == "pre" else NAMES[self.type]
        at = byte_offset(source, self.at)
        return cannot_parse(f"Can't find end of {name} entity at byte offset {at}")


class _MarkdownParser:
    """The state of the parser. `at` is the index of the next character of the source."""

    def __init__(self, source: str) -> None:
        self.source = source + _END
        self.size = len(source)
        self.at = 0
        self.pieces: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[Entity] = []
        self.in_quotation = False
        self.at_line_begin = True

    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < self.size:
            if not self._read_plain():
                if self._ends_entity():
                    self._end_entity()
                else:
                    self._begin_entity()
        if self.in_quotation:
            self._end_last_quotation()
        if self.open:
            raise self.open[-1].not_ended(self.source)
        return "".join(self.pieces), in_order(self.entities)

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self.offset += utf16_length(text)
        if text.strip("\r"):
            self.at_line_begin = False

    def _write_line_end(self) -> None:
        self.at += 1
        self._write("\n")
        self.at_line_begin = True

    def _type(self) -> str:
        return self.open[-1].type if self.open else ""

    def _follows(self, text: str) -> bool:
        return self.source.startswith(text, self.at)

    def _read_plain(self) -> bool:
        """Read characters without a meaning. Return False if the next character has one."""
        escaped = _ESCAPED.match(self.source, self.at)
        if escaped:
            self.at += 2
            self._write(escaped[1])
            self.at_line_begin |= escaped[1] == "\n"
            return True
        if self._follows("\\"):
            self.at += 1
            self._write("\\")
            return True
        pattern = _PLAIN_IN_CODE if self._type() in {"code", "pre"} else _PLAIN
        plain = pattern.match(self.source, self.at, self.size)
        if plain is None:
            return False
        self.at = plain.end()
        self._write(plain[0])
        return True

    def _ends_quotation(self) -> bool:
        return (
            self.in_quotation and self.source[self.at] == "\n" and self.source[self.at + 1] != ">"
        )

    def _ends_entity(self) -> bool:
        if not self.open:
            return False
        if self._ends_quotation():
            return True
        kind = self._type()
        if kind == "italic" and self._follows("__"):
            return False
        return kind in _MARKERS and self._follows(_MARKERS[kind])

    def _begin_entity(self) -> None:
        character = self.source[self.at]
        if character == "\n":
            self._write_line_end()
            return
        if character == ">" and self.at_line_begin:
            if not self.in_quotation:
                self.in_quotation = True
                self._open("blockquote", self.at)
            self.at += 1
            return
        begin = self.at
        marker = next((marker for marker in _BEGINNINGS if self._follows(marker)), None)
        if marker is None:
            raise cannot_parse(
                f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
            )
        self.at += len(marker)
        kind = _BEGINNINGS[marker]
        self._open(kind, begin, self._read_language() if kind == "pre" else {})

    def _open(self, kind: str, at: int, details: Json | None = None) -> None:
        self.open.append(_Open(kind, at, self.offset, len(self.pieces), details or {}))

    def _read_language(self) -> Json:
        """Read the language and one line end behind "```". Return the entity's details."""
        language = _LANGUAGE.match(self.source, self.at, self.size)
        self.at = language.end() if language else self.at
        line_end = _LINE_END.match(self.source, self.at)
        self.at = line_end.end() if line_end else self.at
        return {"language": language[0]} if language else {}

    def _end_entity(self) -> None:
        if self._follows("\n"):
            self._end_quotation()
            return
        opened = self.open.pop()
        self.at += len(_MARKERS[opened.type])
        if opened.type == "text_link":
            kind = link_entity(self._read_link(opened))
        elif opened.type == "custom_emoji":
            kind = self._read_emoji()
        else:
            kind = (opened.type, opened.details)
        if kind and self.offset > opened.offset:
            self._add(*kind, opened)

    def _add(self, kind: str, details: Json, opened: _Open) -> None:
        self.entities.append(Entity(kind, opened.offset, self.offset - opened.offset, details))

    def _read_link(self, opened: _Open) -> str:
        """Return the address behind "[text]", or the text if no address follows."""
        if self._follows("("):
            return self._read_url()
        return "".join(self.pieces[opened.first_piece :])

    def _read_url(self) -> str:
        begin = self.at + 1
        url = _URL.match(self.source, begin, self.size)
        end = url.end() if url else begin
        if self.source[end] != ")":
            where = byte_offset(self.source, begin)
            raise cannot_parse(f"Can't find end of a URL at byte offset {where}")
        self.at = end + 1
        return _ESCAPED.sub(r"\1", self.source[begin:end])

    def _read_emoji(self) -> tuple[str, Json]:
        if not self._follows("("):
            raise cannot_parse("The entity must contain a tg://emoji or tg://time URL")
        kind = emoji_or_date_entity(self._read_url())
        if kind is None:
            raise cannot_parse("Invalid tg://emoji or tg://time URL specified")
        return kind

    def _end_quotation(self) -> None:
        """End the quotation before a line end, which still belongs to it."""
        kind = "blockquote"
        if self._type() == "spoiler" and self._is_expanding_mark():
            self.open.pop()
            kind = "expandable_blockquote"
        if self._type() != "blockquote":
            raise self.open[-1].not_ended(self.source)
        opened = self.open.pop()
        self.in_quotation = False
        self._write_line_end()
        self._add(kind, {}, opened)

    def _is_expanding_mark(self) -> bool:
        """Return whether the innermost entity is a "||" directly before the end of the line."""
        return self.source[self.open[-1].at + 2 : self.at] in {"", "\r"}

    def _end_last_quotation(self) -> None:
        kind = "blockquote"
        if self._type() == "spoiler" and self.open[-1].at == self.size - 2:
            self.open.pop()
            kind = "expandable_blockquote"
        if self._type() == "blockquote":
            opened = self.open.pop()
            if self.offset > opened.offset:
                self._add(kind, {}, opened)


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Return the text and the entities of Telegram's MarkdownV2, or raise TelegramError."""
    return _MarkdownParser(source).parse()
