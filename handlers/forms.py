"""What all forms share: their words, wrong input, and the ways back and out."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, ShowMode, StartMode
from aiogram_dialog.widgets.kbd import Button, Row
from aiogram_dialog.widgets.text import Text

from bot.context import RequestContext
from bot.screens.outgoing import Outgoing
from handlers import respond

PROBLEM = "problem"
Leave = Callable[[DialogManager, RequestContext], Awaitable[Outgoing]]


class Say(Text):
    """A text of the Fluent files; its values come from the getter's `values`."""

    def __init__(self, message_id: str, **options: Any) -> None:
        """Say one message; `options` are the widget's own, for example `when`."""
        super().__init__(**options)
        self.message_id = message_id

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        return turn_of(manager).t(self.message_id, **data.get("values", {}))


class Ask(Say):
    """A question; what was wrong with the last answer stands above it."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        question = await super()._render_text(data, manager)
        problem = manager.dialog_data.get(PROBLEM)
        return f"⚠️ {problem}\n\n{question}" if problem else question


class Item(Text):
    """The label of one row of a list: the second part of an item."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:  # noqa: ARG002
        return str(data["item"][1])


def turn_of(manager: DialogManager) -> RequestContext:
    """Give the context that the form is in."""
    context: RequestContext = manager.middleware_data["context"]
    return context


def complain(manager: DialogManager, problem: str) -> None:
    """Say what was wrong with an answer; the question is asked again."""
    manager.dialog_data[PROBLEM] = problem


async def go_on(manager: DialogManager, state: State) -> None:
    """Ask the next question."""
    manager.dialog_data.pop(PROBLEM, None)
    await manager.switch_to(state)


async def open_form(manager: DialogManager, state: State, **data: Any) -> None:
    """Open a form in place of whichever was open."""
    await manager.start(state, data, mode=StartMode.RESET_STACK)
    await manager.answer_callback()


async def close(manager: DialogManager, screen: Outgoing) -> None:
    """Close the form and show what follows it."""
    event = manager.event
    pressed = isinstance(event, CallbackQuery)
    await manager.done(show_mode=ShowMode.NO_UPDATE if pressed else None)
    # The next form must not take the keyboard off the screen that stands in this message now.
    manager.current_stack().last_message_id = None
    # A press is answered by the dialog itself, once, when its handler ends.
    if isinstance(event, CallbackQuery):
        await respond.replace(event, screen)
    elif isinstance(event, Message):
        await respond.show(event, screen)


def ways_out(leave: Leave, *, first: bool = False, back_to: State | None = None) -> Row:
    """Make the buttons back and cancel; `leave` makes the screen that cancel shows.

    The first step has no way back; another may name a step that is not the one before it.
    """

    async def back(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        manager.dialog_data.pop(PROBLEM, None)
        await manager.switch_to(back_to) if back_to else await manager.back()

    async def cancel(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        await close(manager, await leave(manager, turn_of(manager)))

    buttons = [Button(Say("cancel"), "cancel", on_click=cancel)]
    if not first:
        buttons.insert(0, Button(Say("back"), "back", on_click=back))
    return Row(*buttons)
