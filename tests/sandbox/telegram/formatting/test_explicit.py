"""Test the entities that a request names itself, as the control API passes them on."""

from typing import Any

import pytest

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.text import format_text

Json = dict[str, Any]
BEGINS_AT = "entity beginning at UTF-16 offset "
PLACE = {"offset": 0, "length": 1}


@pytest.mark.parametrize(
    ("entity", "stored"),
    [
        ({"type": "pre", "language": "c"}, {"type": "pre", "language": "c"}),
        ({"type": "pre", "language": ""}, {"type": "pre"}),
        ({"type": "text_link", "url": "T.me"}, {"type": "text_link", "url": "http://t.me/"}),
        (
            {"type": "text_link", "url": "tg://user?id=7"},
            {"type": "text_mention", "user": {"id": 7}},
        ),
        (
            {"type": "text_mention", "user": {"id": "7"}},
            {"type": "text_mention", "user": {"id": 7}},
        ),
        (
            {"type": "custom_emoji", "custom_emoji_id": "5"},
            {"type": "custom_emoji", "custom_emoji_id": "5"},
        ),
        (
            {"type": "date_time", "unix_time": 5, "date_time_format": "tTwd"},
            {"type": "date_time", "unix_time": 5, "date_time_format": "wdT"},
        ),
        ({"type": "spoiler", "offset": "0"}, {"type": "spoiler"}),
        ({"type": "code", "url": "ignored"}, {"type": "code"}),
    ],
)
def test_an_entity_is_stored_with_the_details_of_its_type(entity: Json, stored: Json) -> None:
    """The fields are those of `get_text_entity_type` in telegram-bot-api's `Client.cpp`."""
    assert format_text("x", None, [PLACE | entity]).entities == [PLACE | stored]


@pytest.mark.parametrize("kind", ["mention", "hashtag", "url", "email", "phone_number"])
def test_bots_cannot_name_what_telegram_finds_itself(kind: str) -> None:
    assert format_text("x", None, [PLACE | {"type": kind}]).entities == []


@pytest.mark.parametrize(
    ("entity", "error"),
    [
        ("x", "can't parse MessageEntity: expected an Object"),
        ({"type": "bold"}, "can't parse MessageEntity: Can't find field \"offset\""),
        (
            {"type": "bold", "offset": 1.5},
            'can\'t parse MessageEntity: Field "offset" must be a valid Number',
        ),
        (
            {"type": "bold", "offset": [0]},
            'can\'t parse MessageEntity: Field "offset" must be a Number',
        ),
        (
            {"type": "bold", "offset": 2**31},
            'can\'t parse MessageEntity: Field "offset" must be a valid Number',
        ),
        (PLACE, "can't parse MessageEntity: Can't find field \"type\""),
        (PLACE | {"type": ""}, "can't parse MessageEntity: Type is not specified"),
        (PLACE | {"type": "large"}, "can't parse MessageEntity: Unsupported type specified"),
        (PLACE | {"type": "text_link"}, "can't parse MessageEntity: Can't find field \"url\""),
        (
            PLACE | {"type": "text_link", "url": {}},
            'can\'t parse MessageEntity: Field "url" must be of type String',
        ),
        (
            PLACE | {"type": "text_link", "url": "localhost"},
            "entity URL 'localhost' is invalid: Wrong HTTP URL",
        ),
        (
            PLACE | {"type": "text_mention"},
            "can't parse MessageEntity: Can't find field \"user\"",
        ),
        (
            PLACE | {"type": "text_mention", "user": 1},
            'can\'t parse MessageEntity: Field "user" must be of type Object',
        ),
        (PLACE | {"type": "text_mention", "user": {"id": 0}}, "user not found"),
        (
            PLACE | {"type": "custom_emoji", "custom_emoji_id": 0},
            "invalid custom emoji identifier specified",
        ),
        (PLACE | {"type": "date_time", "unix_time": 0}, "invalid date specified"),
        (
            PLACE | {"type": "date_time", "unix_time": 1, "date_time_format": "x"},
            "can't parse MessageEntity: Invalid date-time format specified",
        ),
        (
            {"type": "bold", "offset": -1, "length": 1},
            "receive an entity with incorrect offset -1",
        ),
        (
            {"type": "bold", "offset": 0, "length": -1},
            "receive an entity with incorrect length -1",
        ),
        (
            {"type": "bold", "offset": 2, "length": 1},
            "entity begins in a middle of a UTF-16 symbol at byte offset 5",
        ),
        (
            {"type": "bold", "offset": 0, "length": 2},
            f"{BEGINS_AT}0 ends in a middle of a UTF-16 symbol at byte offset 5",
        ),
        (
            {"type": "bold", "offset": 1, "length": 9},
            f"{BEGINS_AT}1 ends after the end of the text at UTF-16 offset 10",
        ),
        (
            {"type": "bold", "offset": 9, "length": 1},
            "entity begins after the end of the text at UTF-16 offset 9",
        ),
    ],
)
def test_a_wrong_entity_is_refused_with_the_words_of_telegram(entity: Json, error: str) -> None:
    """The texts are those of `Client.cpp`, `JsonBuilder.cpp` and `MessageEntity.cpp`."""
    with pytest.raises(TelegramError) as refused:
        format_text("x😀y", None, [entity])
    assert (refused.value.code, refused.value.description) == (400, f"Bad Request: {error}")
