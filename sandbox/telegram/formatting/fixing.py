"""Correct the entities and the characters of a text (`MessageEntity.cpp`, `misc.cpp` of TDLib)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

from sandbox.telegram.errors import TelegramError, bad_request
from sandbox.telegram.formatting.cleaning import REMOVED, WHITE_SPACE, clean_characters
from sandbox.telegram.formatting.entity import (
    BLOCKQUOTES,
    CONTINUOUS,
    PRE,
    SPLITTABLE,
    Entity,
    in_order,
)
from sandbox.telegram.formatting.finding import without_overlaps
from sandbox.telegram.formatting.splitting import split
from sandbox.telegram.formatting.utf16 import byte_offset, utf16_length, utf16_offsets

MAX_OFFSET = 1_000_000


def clean(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Return a text without the characters that Telegram removes, and its corrected entities.

    Raises TelegramError for an entity outside of the text, or one that cuts a character.
    """
    for entity in entities:
        _check_numbers(entity)
    entities = fix_entities([entity for entity in entities if entity.length > 0])
    if entities:
        entities = _without_removed(text, entities)
    text = clean_characters(text)
    if not text.strip(WHITE_SPACE):
        return "", []
    return text, fix_entities(entities)


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Return a text without white space at its ends, and the entities that are left.

    White space at the begin stays if it is a part of an entity.
    """
    text = text.rstrip(WHITE_SPACE)
    end = utf16_length(text)
    kept = in_order(
        [
            entity.between(entity.offset, min(entity.end, end))
            for entity in entities
            if entity.offset < end
        ]
    )
    # White space has one unit for each character, so that indexes and offsets are the same here.
    begin = len(text) - len(text.lstrip(WHITE_SPACE))
    begin = min(begin, kept[0].offset) if kept else begin
    return text[begin:], [
        entity.between(entity.offset - begin, entity.end - begin) for entity in kept
    ]


def fix_entities(entities: list[Entity]) -> list[Entity]:
    """Return entities that do not cross: split, merged, or without those that cannot be there."""
    entities = in_order(entities)
    if _are_valid(entities):
        return entities
    splittable, quotations, others = _by_group(entities)
    quotations = without_overlaps(quotations)
    others = _without_crossing(without_overlaps(others), quotations)
    return _combine(splittable, quotations, others)


def add_found(entities: list[Entity], found: list[Entity]) -> list[Entity]:
    """Return the correct entities of a text together with those that were found in it.

    A found entity is dropped if it overlaps another one that cannot be split.
    """
    if not found:
        return entities
    splittable, quotations, others = _by_group(entities)
    found = _without_crossing(found, quotations)
    found = [
        entity
        for entity, other in _with_next(found, others)
        if other is None or other.offset >= entity.end
    ]
    return _combine(splittable, quotations, in_order(others + found))


def _by_group(entities: list[Entity]) -> tuple[list[Entity], list[Entity], list[Entity]]:
    """Return the splittable entities, the quotations, and all others."""
    splittable = [entity for entity in entities if entity.type in SPLITTABLE]
    quotations = [entity for entity in entities if entity.type in BLOCKQUOTES]
    others = [
        entity
        for entity in entities
        if entity.type not in SPLITTABLE and entity.type not in BLOCKQUOTES
    ]
    return splittable, quotations, others


def _combine(
    splittable: list[Entity], quotations: list[Entity], others: list[Entity]
) -> list[Entity]:
    whole = in_order(others + quotations)
    return in_order(whole + split(splittable, whole)) if splittable else whole


def _without_crossing(entities: list[Entity], quotations: list[Entity]) -> list[Entity]:
    """Return the entities that are inside of one of the quotations, or outside of all."""
    return [
        entity
        for entity, quotation in _with_next(entities, quotations)
        if quotation is None
        or not (quotation.end < entity.end or entity.offset < quotation.offset < entity.end)
    ]


def _with_next(
    entities: list[Entity], others: list[Entity]
) -> Iterator[tuple[Entity, Entity | None]]:
    """Yield each entity with the first of the others that ends behind the entity's begin, or None.

    Both lists are in Telegram's order, and no entity overlaps another one of its list.
    """
    position = 0
    for entity in entities:
        while position < len(others) and others[position].end <= entity.offset:
            position += 1
        yield entity, others[position] if position < len(others) else None


def _are_valid(entities: list[Entity]) -> bool:
    """Return whether entities in Telegram's order can stay as they are."""
    ends: dict[str, int] = {}
    parents: list[Entity] = []
    for entity in entities:
        while parents and entity.offset >= parents[-1].end:
            parents.pop()
        if parents and not _may_contain(parents, entity):
            return False
        if entity.type in SPLITTABLE:
            if ends.get(entity.type, -1) >= entity.offset:
                return False
            ends[entity.type] = entity.end
        parents.append(entity)
    return True


def _may_contain(parents: list[Entity], entity: Entity) -> bool:
    types = {parent.type for parent in parents}
    whole = entity.type in CONTINUOUS or entity.type in BLOCKQUOTES
    return not (
        entity.end > parents[-1].end
        or entity.type in types
        or parents[-1].type in PRE
        or (entity.type in PRE and not types <= BLOCKQUOTES)
        or (whole and types & CONTINUOUS)
        or (entity.type in BLOCKQUOTES and types & BLOCKQUOTES)
        or types.intersection(SPLITTABLE)
    )


def _check_numbers(entity: Entity) -> None:
    if not 0 <= entity.offset <= MAX_OFFSET:
        raise bad_request(f"receive an entity with incorrect offset {entity.offset}")
    if not 0 <= entity.length <= MAX_OFFSET:
        raise bad_request(f"receive an entity with incorrect length {entity.length}")


def _without_removed(text: str, entities: list[Entity]) -> list[Entity]:
    """Return the entities with their offsets in the text without its removed characters."""
    offsets = utf16_offsets(text)
    error = _outside_error(text, offsets, entities)
    if error is not None:
        raise error
    removed = list(accumulate((bool(REMOVED.match(unit)) for unit in text), initial=0))
    moved = {offset: offset - skipped for offset, skipped in zip(offsets, removed, strict=True)}
    fixed = [entity.between(moved[entity.offset], moved[entity.end]) for entity in entities]
    return [entity for entity in fixed if entity.length > 0]


def _outside_error(
    text: str, offsets: Sequence[int], entities: list[Entity]
) -> TelegramError | None:
    """Return the error for the first entity that cuts a character or leaves the text, or None."""
    length = offsets[-1]
    cuts: list[tuple[int, bool, str]] = []
    # Of two entities that end in one character, TDLib names the inner one.
    for entity in reversed(entities):
        begin, end = (bisect_left(offsets, unit) for unit in (entity.offset, entity.end))
        if begin < len(offsets) and offsets[begin] != entity.offset:
            cuts.append((begin, True, "entity begins in a middle of a UTF-16 symbol"))
        elif end < len(offsets) and offsets[end] != entity.end:
            words = f"entity beginning at UTF-16 offset {entity.offset} ends in a middle of a"
            cuts.append((end, False, f"{words} UTF-16 symbol"))
    if cuts:
        index, _, words = min(cuts, key=itemgetter(0, 1))
        return bad_request(f"{words} at byte offset {byte_offset(text, index)}")
    for entity in entities:
        if entity.offset > length:
            where = f"begins after the end of the text at UTF-16 offset {entity.offset}"
            return bad_request(f"entity {where}")
    for entity in reversed(entities):
        if entity.end > length:
            return bad_request(
                f"entity beginning at UTF-16 offset {entity.offset} ends after the end of the text"
                f" at UTF-16 offset {entity.end}"
            )
    return None
