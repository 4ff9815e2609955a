"""Test the correction of entities with the vectors of TDLib, and with entities of any kind."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting import fixing
from sandbox.telegram.formatting.cleaning import is_empty
from sandbox.telegram.formatting.entity import BLOCKQUOTES, FOUND, PRE, SPLITTABLE, Entity
from sandbox.telegram.formatting.finding import find_entities
from tests.sandbox.telegram.formatting import vectors

NEED_DETAILS = {"text_link", "text_mention", "custom_emoji", "date_time"}


def fix(
    text: str,
    entities: list[Entity],
    *,
    allow_empty: bool,
    skip_found: bool,
    skip_commands: bool,
    skip_trim: bool,
) -> tuple[str, list[Entity]]:
    """Do the steps of `fix_formatted_text` that its flags name. The sandbox does all of them."""
    text, entities = fixing.clean(text, entities)
    if not skip_trim:
        text, entities = fixing.trim(text, entities)
    if is_empty(text):
        if not allow_empty:
            raise TelegramError(400, "Text must be non-empty")
        return "", []
    found = [] if skip_found else find_entities(text)
    return text, fixing.add_found(
        entities, [one for one in found if one.type != "bot_command" or not skip_commands]
    )


def check(row: list[Any]) -> None:
    text, given, allow_empty, skip_found, skip_commands, skip_trim, expected, *wanted = row
    # The reading of requests refuses an entity without its details, so that none comes here.
    entities = [
        entity
        for entity in map(vectors.to_entity, given)
        if entity.details or entity.type not in NEED_DETAILS
    ]
    flags = {
        "allow_empty": allow_empty,
        "skip_found": skip_found,
        "skip_commands": skip_commands,
        "skip_trim": skip_trim,
    }
    if expected is None:
        with pytest.raises(TelegramError):
            fix(text, entities, **flags)
    else:
        assert fix(text, entities, **flags) == (
            expected,
            [vectors.to_entity(one) for one in wanted[0]],
        )


def test_entities_become_those_of_telegram() -> None:
    """The vectors are those of `fix_formatted_text` in `test/message_entities.cpp`."""
    for row in vectors.read("fixing"):
        check(row)


@st.composite
def texts_with_entities(draw: st.DrawFn) -> tuple[str, list[Entity]]:
    """Return a text that may have a link, and entities of any types and places in it."""
    begin, end = ("a" * draw(st.integers(1, 5)) for _ in range(2))
    text = draw(st.sampled_from([begin, f"{begin}:example.com:{end}"]))
    entities: list[Entity] = []
    for _ in range(draw(st.integers(1, 20))):
        offset = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, len(text) - offset))
        kind = draw(st.sampled_from(sorted({*SPLITTABLE, *BLOCKQUOTES, *FOUND, "code", "pre"})))
        entities.append(Entity(kind, offset, length))
    return text, entities


def types_at(entities: list[Entity], offset: int) -> set[str]:
    return {one.type for one in entities if one.offset <= offset < one.end}


@given(texts_with_entities())
def test_entities_of_any_kind_become_a_tree(world: tuple[str, list[Entity]]) -> None:
    """The properties are those of the loop in `fix_formatted_text` of `message_entities.cpp`."""
    text, given_entities = world
    fixed_text, fixed = fix(
        text,
        given_entities,
        allow_empty=False,
        skip_found=False,
        skip_commands=True,
        skip_trim=False,
    )
    assert fixed_text == text
    for offset in range(len(text)):
        before, after = (types_at(entities, offset) for entities in (given_entities, fixed))
        assert after & set(SPLITTABLE) == (set() if after & PRE else before & set(SPLITTABLE))
    for index, entity in enumerate(fixed):
        for later in fixed[index + 1 :]:
            assert (entity.offset, -entity.length) <= (later.offset, -later.length)
            inside = later.offset < entity.end
            assert not inside or (later.end <= entity.end and later.type != entity.type)
            assert not inside or entity.type not in PRE
            if inside and entity.type not in {*SPLITTABLE, *BLOCKQUOTES}:
                assert later.type in SPLITTABLE


def test_the_first_of_two_wrong_entities_is_named() -> None:
    """The order of the errors is that of `clean_input_string_with_entities`."""
    wrong = [Entity("bold", 0, 2), Entity("italic", 2, 9)]
    with pytest.raises(TelegramError, match="beginning at UTF-16 offset 0 ends in a middle"):
        fixing.clean("x😀y", wrong)
    both_end_there = [Entity("text_link", 0, 2), Entity("bold", 1, 1)]
    with pytest.raises(TelegramError, match="beginning at UTF-16 offset 1 ends in a middle"):
        fixing.clean("x😀y", both_end_there)


def test_thousands_of_entities_take_no_long_time() -> None:
    text = "#a " * 10_000
    entities = [Entity("blockquote", 3 * at, 2) for at in range(10_000)]
    with_found = fixing.add_found(fixing.fix_entities(entities), find_entities(text))
    assert len(with_found) == 20_000
