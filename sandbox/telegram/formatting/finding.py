"""Find the mentions, commands, tags, links and cards in a text (`MessageEntity.cpp` of TDLib).

Parts of a text are pairs of indexes, as in `urls`.
"""

import re
import unicodedata
from collections.abc import Callable, Container

from sandbox.telegram.formatting.entity import Entity, in_order
from sandbox.telegram.formatting.urls import Part, find_tg_urls, find_urls
from sandbox.telegram.formatting.utf16 import utf16_offsets

SHORT_USERNAMES = frozenset({"gif", "nft", "pic", "ufc", "vid"})
"""The usernames with fewer than four characters that are found."""
SHORTEST_USERNAME = 4
MAX_HASHTAG = 256
CARD_DIGITS = range(13, 20)
CONTINUOUS_CARD_DIGITS = range(16, 20)
_USERNAME = "[A-Za-z0-9_]{3,32}(?![A-Za-z0-9_])"
_MENTION = re.compile(r"(?<!\w)@[A-Za-z0-9_]{2,32}(?!\w)")
_BOT_COMMAND = re.compile(
    rf"(?<![\w/<>])/[A-Za-z0-9_]{{1,64}}(?:@{_USERNAME}(?![\w/<>])|(?![\w/<>@]))"
)
_CASHTAG = re.compile(rf"\$(?:1INCH|[A-Z]{{1,8}}(?![A-Z]))(?:@{_USERNAME})?")
_TAGGED_BOT = re.compile(r"@[A-Za-z0-9_]{3,32}")
_CARD_CHARACTERS = re.compile("[0-9][0-9 -]*")
_CARD = re.compile("[0-9](?:[ -]*[0-9]){12}")


def find_entities(text: str) -> list[Entity]:
    """Return the entities that Telegram finds in a text. None of them overlaps another."""
    offsets = utf16_offsets(text)
    found = [
        Entity(kind, offsets[begin], offsets[end] - offsets[begin])
        for kind, find in _FINDERS
        for begin, end in find(text)
    ]
    found += [
        Entity("email" if email else "url", offsets[begin], offsets[end] - offsets[begin])
        for (begin, end), email in find_urls(text)
    ]
    return without_overlaps(in_order(found))


def without_overlaps(entities: list[Entity]) -> list[Entity]:
    """Return the entities that begin behind the end of each kept entity before them.

    The entities are in Telegram's order.
    """
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity.offset >= kept[-1].end:
            kept.append(entity)
    return kept


def find_mentions(text: str) -> list[Part]:
    """Return the parts like "@username"."""
    return [
        match.span()
        for match in _MENTION.finditer(text)
        if len(match[0]) > SHORTEST_USERNAME or match[0][1:].lower() in SHORT_USERNAMES
    ]


def find_bot_commands(text: str) -> list[Part]:
    """Return the parts like "/command" and "/command@bot"."""
    return [match.span() for match in _BOT_COMMAND.finditer(text)]


def find_hashtags(text: str) -> list[Part]:
    """Return the parts like "#tag" and "#tag@username"."""
    found: list[Part] = []
    at = text.find("#")
    while at >= 0:
        end = at + 1
        if at == 0 or not _in_hashtag(text[at - 1]):
            while end < len(text) and _in_hashtag(text[end]):
                end += 1
            tag_end = min(end, at + 1 + MAX_HASHTAG)
            has_letter = any(character.isalpha() for character in text[at + 1 : tag_end])
            username = _TAGGED_BOT.match(text, end) if tag_end == end else None
            if username:
                tag_end = end = username.end()
            if text[end : end + 1] != "#" and has_letter:
                found.append((at, tag_end))
        at = text.find("#", end)
    return found


def find_cashtags(text: str) -> list[Part]:
    """Return the parts like "$USD"."""
    return [
        match.span()
        for match in _CASHTAG.finditer(text)
        if not _touches_tag(text[max(match.start() - 1, 0) : match.start()])
        and not _touches_tag(text[match.end() : match.end() + 1])
    ]


def _touches_tag(neighbour: str) -> bool:
    return neighbour == "$" or (neighbour != "" and _in_hashtag(neighbour))


def _in_hashtag(character: str) -> bool:
    """Return whether a character can be a part of a hashtag."""
    return (
        character.isalpha()
        or character in "_\u200c\xb7"
        or "\u0d80" <= character <= "\u0dff"
        or unicodedata.category(character) == "Nd"
    )


def find_bank_cards(text: str) -> list[Part]:
    """Return the parts that are numbers of bank cards."""
    found: list[Part] = []
    run = _CARD_CHARACTERS.search(text) if _CARD.search(text) else None
    while run:
        begin, end = run.span()
        before = text[begin - 1 : begin]
        if not (before and (before in ".,+-_" or before.isalpha())):
            end = _continuous_card_end(run[0], begin) or end
            number = text[begin:end].rstrip(" -")
            if _is_card(number) and not _continues_card(text[begin + len(number) :][:1]):
                found.append((begin, begin + len(number)))
        run = _CARD_CHARACTERS.search(text, end)
    return found


def _continuous_card_end(run: str, begin: int) -> int:
    """Return the end of a number without spaces before a space, or 0 if it cannot be a card."""
    digits, space, _ = run.partition(" ")
    is_card = space and digits.isdigit() and len(digits) in CONTINUOUS_CARD_DIGITS
    return begin + len(digits) if is_card else 0


def _continues_card(after: str) -> bool:
    return after != "" and (after in "-_" or after.isalpha())


def _is_card(number: str) -> bool:
    digits = [int(character) for character in number if character.isdigit()]
    if len(digits) not in CARD_DIGITS or len(number) > 2 * len(digits) - 1:
        return False
    beginning = int("".join(map(str, digits[:4])))
    lengths = next((lengths for cards, lengths in _LENGTHS if beginning in cards), CARD_DIGITS)
    # This is Luhn's sum. The digits of the doubled numbers are added up.
    total = sum(digits[::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return total % 10 == 0 and len(digits) in lengths


_LENGTHS: tuple[tuple[range, Container[int]], ...] = (
    (range(4000, 5000), {13, 16, 18, 19}),
    (range(5100, 5600), {16}),
    (range(2200, 2205), {16}),
    (range(2221, 2721), {16}),
    (range(3400, 3500), {15}),
    (range(3700, 3800), {15}),
    (range(6200, 6300), range(16, 20)),
    (range(8100, 8200), range(16, 20)),
)
"""The first four digits of cards, and how many digits the cards' numbers have."""
_FINDERS: tuple[tuple[str, Callable[[str], list[Part]]], ...] = (
    ("mention", find_mentions),
    ("bot_command", find_bot_commands),
    ("hashtag", find_hashtags),
    ("cashtag", find_cashtags),
    ("bank_card_number", find_bank_cards),
    ("url", find_tg_urls),
)
