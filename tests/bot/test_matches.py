"""Test the filter that is asked in the event loop, and that the bot has no other kind."""

import threading
from collections.abc import Iterator

import pytest
from aiogram import Dispatcher, F
from aiogram.dispatcher.event.telegram import TelegramEventObserver
from aiogram.types import Chat
from aiogram_dialog.api.entities import DIALOG_EVENT_NAME

from bot.matches import Matches
from handlers import routers


@pytest.mark.parametrize(("kind", "passes"), [("private", True), ("channel", False)])
async def test_a_rule_is_asked_in_the_event_loop(kind: str, *, passes: bool) -> None:
    asked_in: list[threading.Thread] = []

    def note_thread(value: str) -> str:
        asked_in.append(threading.current_thread())
        return value

    assert await Matches(F.type.func(note_thread) == "private")(Chat(id=1, type=kind)) is passes

    assert asked_in == [threading.current_thread()]


@pytest.mark.parametrize(("title", "passes"), [(None, False), ("", False), ("News", True)])
async def test_a_rule_that_gives_a_value_passes_if_the_value_is_true(
    title: str | None, *, passes: bool
) -> None:
    assert await Matches(F.title)(Chat(id=1, type="channel", title=title)) is passes


def test_no_filter_of_telegrams_updates_is_asked_in_a_thread() -> None:
    in_threads = [
        getattr(handler.callback, "__qualname__", str(handler.callback))
        for observer in _observers(routers.dispatcher())
        for handler in [observer._handler, *observer.handlers]
        for each in handler.filters or ()
        if not each.awaitable
    ]

    assert in_threads == []


def _observers(dispatcher: Dispatcher) -> Iterator[TelegramEventObserver]:
    for router in dispatcher.chain_tail:
        for name, observer in router.observers.items():
            # aiogram-dialog tells itself about changes of forms with an event of its own.
            if name != DIALOG_EVENT_NAME:
                yield observer
