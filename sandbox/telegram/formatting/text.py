"""Read the text of a message with its formatting as Telegram stores it."""

from collections.abc import Callable

from sandbox.telegram.errors import bad_request
from sandbox.telegram.formatting import fixing
from sandbox.telegram.formatting.entity import Entity, FormattedText
from sandbox.telegram.formatting.explicit import check_details, read_entities
from sandbox.telegram.formatting.finding import find_entities
from sandbox.telegram.formatting.html import parse_html
from sandbox.telegram.formatting.markdown import parse_markdown
from sandbox.telegram.formatting.markdown_v2 import parse_markdown_v2
from sandbox.telegram.formatting.phone_numbers import add_phone_numbers
from sandbox.telegram.persistence import Json

MAX_ENTITIES = 100
MAX_BYTES = 1 << 15
"""The most bytes of a text before its markup is parsed."""
PARSERS: dict[str, Callable[[str], tuple[str, list[Entity]]]] = {
    "html": parse_html,
    "markdown": parse_markdown,
    "markdownv2": parse_markdown_v2,
}


def format_text(text: str, parse_mode: str | None, entities: list[Json] | None) -> FormattedText:
    """Return a text and its entities as Telegram stores them.

    The entities come from the markup in `text` if there is a `parse_mode`, and else from
    `entities`. Links, mentions, commands and the like are found in the text. Raises TelegramError
    if the text or its entities are wrong.
    """
    if len(_encode(text)) > MAX_BYTES:
        raise bad_request("text is too long")
    mode = (parse_mode or "none").lower()
    if mode == "none" or not text:
        given = read_entities(entities or [])
    elif mode in PARSERS:
        text, given = PARSERS[mode](text)
    else:
        raise bad_request("unsupported parse_mode")
    text, given = fixing.clean(text, [check_details(entity) for entity in given])
    text, given = fixing.trim(text, given)
    found = add_phone_numbers(text, find_entities(text))
    complete = fixing.add_found(given, found)
    return FormattedText(text, [entity.to_json() for entity in complete[:MAX_ENTITIES]])


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
