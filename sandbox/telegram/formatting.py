"""Parse a text and its formatting as Telegram does. Offsets and lengths are in UTF-16 units."""

import re
from dataclasses import dataclass, field
from html import unescape

from sandbox.telegram.errors import TelegramError, bad_request, unsupported
from sandbox.telegram.persistence import Json

MAX_ENTITIES = 100

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
    "code": "code",
    "pre": "pre",
}
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z-]*)((?:\s[^<>]*)?)>")
ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+)))?""")
# Telegram replaces these four names and numeric references. Every other name stays unchanged.
CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
AUTOMATIC_ENTITY = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)\]'])"
    r"|(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?!\w))"
    r"|(?P<mention>(?<![\w@])@[A-Za-z]\w{3,31}(?!\w))"
    r"|(?P<hashtag>(?<![\w#])#(?!\d+\b)\w{1,255})"
)
USER_LINK = re.compile(r"tg://user\?id=(\d+)")


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass
class FormattedText:
    """A text and its entities, for example a bold part."""

    text: str
    entities: list[Json] = field(default_factory=list)


def parse(text: str, parse_mode: str | None, entities: list[Json] | None) -> FormattedText:
    """Return a text and its entities as Telegram stores them.

    The entities come from `entities`, or from HTML in `text` if `parse_mode` is "html". White space
    at both ends is removed. Raises TelegramError if the text or its entities are wrong.
    """
    if entities:
        formatted = FormattedText(text, _check_entities(text, entities))
    elif not parse_mode:
        formatted = FormattedText(text)
    elif parse_mode.lower() == "html":
        formatted = parse_html(text)
    elif parse_mode.lower() in {"markdown", "markdownv2"}:
        raise unsupported(f"can't parse entities: parse_mode {parse_mode}")
    else:
        raise bad_request("unsupported parse_mode")
    return find_links(trim(formatted))


def _check_entities(text: str, entities: list[Json]) -> list[Json]:
    length = utf16_length(text)
    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        if begin < 0 or entity["length"] < 0 or end > length:
            # Telegram drops such entities without an error, or refuses the message. The sandbox
            # always refuses, so that a bot does not rely on it.
            raise bad_request(f"entity begins at {begin} and ends at {end} outside of the text")
    return [entity for entity in entities if entity["length"] > 0]


def _sort_key(entity: Json) -> tuple[int, int, str]:
    return (entity["offset"], -entity["length"], entity["type"])


def trim(formatted: FormattedText) -> FormattedText:
    """Remove white space at both ends of a text, and adjust the entities."""
    stripped = formatted.text.strip()
    begin = utf16_length(formatted.text[: len(formatted.text) - len(formatted.text.lstrip())])
    end = begin + utf16_length(stripped)
    kept: list[Json] = []
    for entity in formatted.entities:
        first = max(entity["offset"], begin)
        last = min(entity["offset"] + entity["length"], end)
        if last > first:
            kept.append({**entity, "offset": first - begin, "length": last - first})
    return FormattedText(stripped, sorted(kept, key=_sort_key)[:MAX_ENTITIES])


def find_links(formatted: FormattedText) -> FormattedText:
    """Add entities for links, commands, mentions and hashtags."""
    occupied = [
        (entity["offset"], entity["offset"] + entity["length"])
        for entity in formatted.entities
        if entity["type"] in {"pre", "code", "text_link", "url", "mention", "hashtag"}
        or entity["type"] in {"text_mention", "bot_command"}
    ]
    found: list[Json] = []
    for match in AUTOMATIC_ENTITY.finditer(formatted.text):
        offset = utf16_length(formatted.text[: match.start()])
        length = utf16_length(match.group())
        if all(offset + length <= begin or offset >= end for begin, end in occupied):
            found.append({"type": match.lastgroup, "offset": offset, "length": length})
    return FormattedText(
        formatted.text, sorted(formatted.entities + found, key=_sort_key)[:MAX_ENTITIES]
    )


@dataclass
class _OpenTag:
    """A start tag whose end tag has not been read yet."""

    name: str
    entity: Json | None
    offset: int
    at: int


def parse_html(source: str) -> FormattedText:
    """Parse Telegram's HTML into a text and its entities.

    Raises TelegramError for a wrong tag. The error's text has no part of `source` except the tag's
    name.
    """
    text = ""
    length = 0
    entities: list[Json] = []
    stack: list[_OpenTag] = []
    position = 0
    while position < len(source):
        bracket = source.find("<", position)
        end = len(source) if bracket < 0 else bracket
        piece = CHARACTER.sub(lambda match: unescape(match.group()), source[position:end])
        text += piece
        length += utf16_length(piece)
        if bracket < 0:
            break
        position = _read_tag(source, bracket, length, stack, entities)
    if stack:
        raise _parse_error(f'Can\'t find end tag corresponding to start tag "{stack[-1].name}"')
    return FormattedText(text, entities)


def _read_tag(
    source: str, bracket: int, length: int, stack: list[_OpenTag], entities: list[Json]
) -> int:
    """Read the tag at `bracket`, and return the position after the tag."""
    at = len(source[:bracket].encode())
    match = TAG.match(source, bracket)
    if match is None:
        raise _parse_error(f"Unsupported or unclosed start tag at byte offset {at}")
    name = match[2].lower()
    if not match[1]:
        stack.append(_OpenTag(name, _tag_entity(name, match[3], stack, at), length, at))
        return match.end()
    if not stack:
        raise _parse_error(f"Unexpected end tag at byte offset {at}")
    opened = stack.pop()
    if opened.name != name:
        raise _parse_error(f'Unmatched end tag at byte offset {at}, expected "</{opened.name}>"')
    if opened.entity is not None and length > opened.offset:
        entities.append(
            {**opened.entity, "offset": opened.offset, "length": length - opened.offset}
        )
    return match.end()


def _tag_entity(name: str, attributes: str, stack: list[_OpenTag], at: int) -> Json | None:
    """Return a start tag's entity, or None if the tag creates no entity."""
    values = {
        match[1].lower(): unescape(match[2] or match[3] or match[4] or "")
        for match in ATTRIBUTE.finditer(attributes)
    }
    if name == "code" and stack and stack[-1].name == "pre" and stack[-1].entity:
        language = values.get("class", "")
        if language.startswith("language-"):
            stack[-1].entity["language"] = language.removeprefix("language-")
        return None
    if name in SIMPLE_TAGS:
        return {"type": SIMPLE_TAGS[name]}
    if name == "a":
        return _link_entity(values.get("href", ""))
    if name == "span" and values.get("class") == "tg-spoiler":
        return {"type": "spoiler"}
    if name == "blockquote":
        return {"type": "expandable_blockquote" if "expandable" in values else "blockquote"}
    if name == "tg-emoji" and values.get("emoji-id", "").isdigit():
        return {"type": "custom_emoji", "custom_emoji_id": values["emoji-id"]}
    raise _parse_error(f'Unsupported start tag "{name}" at byte offset {at}')


def _link_entity(href: str) -> Json | None:
    person = USER_LINK.fullmatch(href)
    if person:
        return {"type": "text_mention", "user": {"id": int(person[1])}}
    if not re.match(r"[a-z]+://|[\w.-]+\.[a-z]{2,}", href, re.IGNORECASE):
        return None
    return {"type": "text_link", "url": href if "://" in href else f"http://{href}"}


def _parse_error(text: str) -> TelegramError:
    return bad_request(f"can't parse entities: {text}")
