"""Parse Telegram's old Markdown (`parse_markdown` in `MessageEntity.cpp` of TDLib)."""

import re

from sandbox.telegram.formatting.entity import Entity, cannot_parse
from sandbox.telegram.formatting.links import link_entity
from sandbox.telegram.formatting.utf16 import byte_offset, utf16_length
from sandbox.telegram.persistence import Json

_TYPES = {"_": "italic", "*": "bold", "`": "code", "```": "pre"}
_PLAIN = re.compile(r"(?:[^\\_*`\[]|\\(?![_*`\[]))+")
_ESCAPED = re.compile(r"\\([_*`\[])")
_BEGIN = re.compile(
    r"(?P<pre>```)(?:(?P<language>[^ \t\r\n\0\v`]+)(?=[ \t\r\n\0\v]))?(?:\n\r|\r\n|\n|\r|)"
    r"|(?P<link>\[)|[_*`]"
)
_URL = re.compile(r"\(([^)]*)\)?")


class _OldMarkdownParser:
    """The state of the parser. `at` is the index of the next character of the source.

    `removed` is how many bytes of markup have been read, which are no part of the text.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.pieces: list[str] = []
        self.offset = 0
        self.removed = 0
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self.at < len(self.source):
            plain = _PLAIN.match(self.source, self.at)
            escaped = _ESCAPED.match(self.source, self.at)
            begin = _BEGIN.match(self.source, self.at)
            if plain:
                self.at = plain.end()
                self._write(plain[0])
            elif escaped:
                self.at = escaped.end()
                self.removed += 1
                self._write(escaped[1])
            elif begin:
                self._read_entity(begin)
        return "".join(self.pieces), self.entities

    def _write(self, text: str) -> None:
        self.pieces.append(text)
        self.offset += utf16_length(text)

    def _read_entity(self, begin: re.Match[str]) -> None:
        marker = begin["pre"] or begin[0]
        closing = "]" if begin["link"] else marker
        end = self.source.find(closing, begin.end())
        if end < 0:
            where = byte_offset(self.source, begin.start())
            raise cannot_parse(f"Can't find end of the entity starting at byte offset {where}")
        content = self.source[begin.end() : end]
        offset = self.offset
        self._write(content)
        self.at = end + len(closing)
        self.removed += len(begin[0].encode())
        kind = self._read_kind(begin, content) if content else None
        self.removed += len(self.source[end : self.at].encode())
        if kind:
            self.entities.append(Entity(kind[0], offset, self.offset - offset, kind[1]))

    def _read_kind(self, begin: re.Match[str], content: str) -> tuple[str, Json] | None:
        """Return the type and the details of the entity, or None if it has a wrong address."""
        if begin["link"]:
            return link_entity(self._read_url(content))
        language = begin["language"]
        return _TYPES[begin["pre"] or begin[0]], {"language": language} if language else {}

    def _read_url(self, content: str) -> str:
        """Return the address behind "[text]", or that in the text if no address follows.

        In the second case TDLib has written the text over the source, and reads the address where
        the text was. It is therefore moved by the markup before: "[t.me]" leads to ".mee".
        """
        url = _URL.match(self.source, self.at)
        if url:
            self.at = url.end()
            return url[1]
        units = content.encode()
        if self.removed > len(units):
            return content
        moved = units[self.removed :] + units[-self.removed :]
        return moved.decode(errors="surrogateescape")


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Return the text and the entities of Telegram's old Markdown, or raise TelegramError."""
    return _OldMarkdownParser(source).parse()
