"""Test that a flat router finds the same handler as a tree of routers."""

from typing import Any

import pytest
from aiogram import Dispatcher, F, Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, ErrorEvent, Message, Update

from bot.flat_router import FlatRouter


class One(CallbackData, prefix="one"):
    """A button with a number."""

    id: int


class Two(CallbackData, prefix="two"):
    """Another button."""

    id: int


def routers() -> list[Router]:
    first, second, third = Router(name="first"), Router(name="second"), Router(name="third")

    @first.callback_query(One.filter(F.id == 1))
    async def first_one(_press: CallbackQuery) -> str:
        return "first one"

    @first.callback_query(F.data == "two:7")
    async def any_seven(_press: CallbackQuery) -> str:
        return "any seven"

    @second.callback_query(F.id != "0", One.filter())
    async def second_one(_press: CallbackQuery, callback_data: One) -> str:
        return f"second one {callback_data.id}"

    @second.callback_query(Two.filter())
    async def second_two(_press: CallbackQuery) -> str:
        return "second two"

    @second.message(F.text == "fails")
    async def fail(_message: Message) -> None:
        raise ValueError

    @first.errors()
    async def explain(_event: ErrorEvent) -> str:
        return "explained"

    @third.message()
    async def any_text(_message: Message) -> str:
        return "any text"

    @third.callback_query(~F.data.startswith("odd"))
    async def unknown(_press: CallbackQuery) -> str:
        return "unknown"

    return [first, second, third]


def press(data: str) -> dict[str, Any]:
    person = {"id": 7, "is_bot": False, "first_name": "A"}
    return {"callback_query": {"id": "1", "from": person, "chat_instance": "1", "data": data}}


def message(text: str) -> dict[str, Any]:
    chat = {"id": 7, "type": "private"}
    return {"message": {"message_id": 1, "date": 1, "chat": chat, "text": text}}


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (press("one:1"), "first one"),
        (press("one:2"), "second one 2"),
        (press("two:7"), "any seven"),
        (press("two:8"), "second two"),
        (press("two:x"), "unknown"),
        (press("three:8"), "unknown"),
        (press("odd"), UNHANDLED),
        (message("hello"), "any text"),
        (message("fails"), "explained"),
    ],
)
async def test_the_handler_is_that_of_a_tree(content: dict[str, Any], answer: object) -> None:
    update = Update.model_validate({"update_id": 1, **content})
    for is_flat in (False, True):
        root = Dispatcher(disable_fsm=True)
        root.include_routers(*([FlatRouter(*routers(), name="flat")] if is_flat else routers()))
        assert await root.propagate_event("update", update) == answer
