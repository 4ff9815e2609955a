"""Test that the bot keeps only the fields of an update that the product reads."""

from typing import Any

import pytest
from aiogram.types import Update
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import bounded_json, update_filter

PERSON = {"id": 7, "is_bot": False, "first_name": "A"}
CHAT = {"id": 7, "type": "private"}
MESSAGE = {"message_id": 1, "date": 1, "chat": CHAT, "from": PERSON}
PAYMENT = {
    "currency": "XTR",
    "total_amount": 5,
    "invoice_payload": "topup",
    "telegram_payment_charge_id": "charge",
    "provider_payment_charge_id": "",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
NAMES = st.sampled_from(["message", "callback_query", "channel_post", "from", "entities", "text"])


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def message(**more: Any) -> dict[str, Any]:
    """Return an update with a message that has the fields `more`."""
    return {"update_id": 1, "message": MESSAGE | more}


def test_a_rich_text_is_not_read() -> None:
    text: Any = "bold"
    for _ in range(30):
        text = {"type": "bold", "text": [text]}
    rich = {"blocks": [{"type": "paragraph", "text": text}]}
    reduced = update_filter.reduce(message(text="a", rich_message=rich, reply_to_message=MESSAGE))
    assert reduced["message"] == MESSAGE | {"text": "a"}
    press = {"id": "1", "from": PERSON, "data": "x", "message": MESSAGE | {"rich_message": rich}}
    reduced = update_filter.reduce({"update_id": 1, "callback_query": press})
    assert reduced["callback_query"]["message"] == MESSAGE
    assert reduced["callback_query"]["data"] == "x"


def test_only_the_pressed_button_of_a_keyboard_that_shows_screens_is_kept() -> None:
    shows, other = {"callback_data": "go:menu:0:0"}, {"callback_data": "form:topup:0"}
    markup = {"inline_keyboard": [[other], 1, [None, shows, {"text": "Menu"} | shows], [shows]]}
    press = {"id": "1", "from": PERSON, "message": MESSAGE | {"reply_markup": markup}}

    def kept(data: object) -> Any:
        reduced = update_filter.reduce({"update_id": 1, "callback_query": press | {"data": data}})
        return reduced["callback_query"]["message"]["reply_markup"]

    assert kept("go:menu:0:0") == {"inline_keyboard": [[shows]]}
    assert kept("go:wallet:0:0") == {"inline_keyboard": []}
    assert kept("form:topup:0") == kept(None) == markup


@pytest.mark.parametrize("payment", ["successful_payment", "refunded_payment"])
def test_a_payment_is_read_whatever_stands_beside_it(payment: str) -> None:
    beside = {"entities": nested(5_000), "photo": "none", "forward_origin": {"type": "new"}}
    reduced = update_filter.reduce(message(**{payment: PAYMENT}, text=3, **beside))
    read = Update.model_validate(reduced).message
    assert read is not None
    assert getattr(read, payment).telegram_payment_charge_id == "charge"


@pytest.mark.parametrize(
    "entities", [nested(5_000), [{"type": "bold"}] * 1_100, [{"url": "a" * 9_000}]]
)
def test_a_used_part_above_the_limits_makes_the_update_malformed(entities: object) -> None:
    reduced = update_filter.reduce(message(text="a", entities=entities))
    assert reduced["message"]["entities"] == bounded_json.TOO_LARGE
    with pytest.raises(ValidationError):
        Update.model_validate(reduced)


def test_the_parts_of_an_update_share_one_limit() -> None:
    entities = [{"type": "bold", "offset": 0, "length": 1}] * 300
    alone = message(text="a", entities=entities)
    assert update_filter.reduce(alone) == alone
    both = update_filter.reduce(message(text="a", caption_entities=entities, entities=entities))
    assert both["message"]["caption_entities"] == entities
    assert both["message"]["entities"] == bounded_json.TOO_LARGE


@pytest.mark.parametrize(
    "more", [{"text": "a" * 9_000}, {f"field {number}": 0 for number in range(301)}]
)
def test_a_text_or_a_message_above_the_limits_makes_the_update_malformed(
    more: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        Update.model_validate(update_filter.reduce(message(**more)))


def test_a_forward_from_an_origin_of_a_new_kind_is_still_a_forward() -> None:
    reduced = update_filter.reduce(message(text="a", forward_origin={"type": "new", "date": 1}))
    read = Update.model_validate(reduced).message
    assert read is not None
    assert read.forward_origin is not None


def test_all_that_an_ad_contains_is_kept() -> None:
    size = {"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}
    ad = {
        "caption": "a",
        "caption_entities": [{"type": "text_link", "offset": 0, "length": 1, "url": "https://a"}],
        "photo": [size],
        "media_group_id": "1",
        "has_media_spoiler": True,
    }
    assert update_filter.reduce(message(**ad))["message"] == MESSAGE | ad


@given(st.dictionaries(NAMES | st.text(max_size=5), JSON | st.dictionaries(NAMES, JSON)))
def test_no_update_is_too_strange(content: dict[str, Any]) -> None:
    reduced = update_filter.reduce(content | {"update_id": 1})
    assert update_filter.reduce(reduced) == reduced
    assert reduced["update_id"] == 1
    assert set(reduced) <= {"update_id", *content}


def test_messages_about_changed_facts_of_a_channel_are_read() -> None:
    size = {"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}
    pinned = MESSAGE | {"text": "x", "rich_message": nested(5_000)}
    channel = {"id": -100, "type": "channel", "title": "C"}
    for name, value in {
        "new_chat_title": "Evening",
        "new_chat_photo": [size],
        "delete_chat_photo": True,
        "message_auto_delete_timer_changed": {"message_auto_delete_time": 86_400},
        "pinned_message": pinned,
        "chat_owner_changed": {"new_owner": PERSON},
        "chat_owner_left": {"new_owner": PERSON, "more": nested(5_000)},
    }.items():
        post = {"message_id": 1, "date": 1, "chat": channel, name: value}
        read = Update.model_validate(update_filter.reduce({"update_id": 1, "channel_post": post}))
        assert read.channel_post is not None
        assert read.channel_post.content_type == name
