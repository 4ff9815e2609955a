"""Provide the parts that all forms share."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, ShowMode, StartMode, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Group, Keyboard, Row, Select
from aiogram_dialog.widgets.text import Text

from bot import formatting, middlewares
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.market import publish_times
from services.platform import errors

_ERROR = "error"
ScreenAfterCancel = Callable[[DialogManager, RequestContext], Awaitable[Outgoing]]
Back = State | Callable[[DialogManager], State | None] | None
Getter = Callable[..., Awaitable[dict[str, Any]]]
FirstTaker = Callable[[Message, DialogManager], Awaitable[bool]]
AnswerHandler = Callable[[Message, MessageInput, DialogManager], Awaitable[None]]


class Translated(Text):
    """A translated text in a form. The step's data has the text's variables under `values`."""

    def __init__(self, message_id: str, **options: Any) -> None:
        super().__init__(**options)
        self.message_id = message_id

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        return context_of(manager).t(self.message_id, **data.get("values", {}))


class Question(Translated):
    """The question of a step, with the error of the last answer above it."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:
        question = await super()._render_text(data, manager)
        error = manager.dialog_data.get(_ERROR)
        return f"⚠️ {error}\n\n{question}" if error else question


class ItemLabel(Text):
    """The label of a row in a list: the second element of the row's `item`."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:  # noqa: ARG002 - required
        return str(data["item"][1])


def context_of(manager: DialogManager) -> RequestContext:
    """Return the RequestContext of the present update."""
    context: RequestContext = manager.middleware_data["context"]
    return context


def show_error(manager: DialogManager, text: str) -> None:
    """Store the text of an error, which the form shows above the question."""
    manager.dialog_data[_ERROR] = text


async def next_step(manager: DialogManager, state: State) -> None:
    """Go to another step of the form, and remove the error of the last answer."""
    manager.dialog_data.pop(_ERROR, None)
    await manager.switch_to(state)


async def open_form(
    manager: DialogManager, state: State, *, below: bool = False, **data: Any
) -> None:
    """Open a form and close the form that was open before.

    With `below`, the form is a new message, below what was sent before.
    """
    show_mode = ShowMode.SEND if below else None
    await manager.start(state, data, mode=StartMode.RESET_STACK, show_mode=show_mode)
    await manager.answer_callback()


async def close_form(manager: DialogManager, screen: Outgoing) -> None:
    """Close the open form, and show a screen in its place."""
    event = manager.event
    pressed = isinstance(event, CallbackQuery)
    await manager.done(show_mode=ShowMode.NO_UPDATE if pressed else None)
    # The screen stands in the form's message now. A form that is opened later must not remove the
    # screen's keyboard from this message.
    manager.current_stack().last_message_id = None
    # The press itself needs no answer here: aiogram-dialog answers it when its handler ends.
    if isinstance(event, CallbackQuery):
        await respond.replace(event, screen)
    elif isinstance(event, Message):
        await respond.show(event, screen)


def idempotency_key(manager: DialogManager) -> str:
    """Return a key that is unique for each opening of the form."""
    return f"form:{context_of(manager).user_id}:{manager.current_context().id}"


async def read_amount(message: Message, manager: DialogManager) -> int | None:
    """Return the amount in a person's answer, in minor units.

    Returns None and shows the error if the answer is no positive amount.
    """
    t = context_of(manager).t
    typed = message.text or ""
    amount = formatting.parse_money(typed, t.currency, t.language)
    if amount is None:
        example = t.money(formatting.EXAMPLE)
        show_error(
            manager,
            t("amount-currency", currency=t.currency, example=example)
            if formatting.names_currency(typed)
            else t("amount-wrong", example=example),
        )
    return amount


async def read_publish_time(typed: str, manager: DialogManager) -> datetime | None:
    """Return the time of publication in a person's answer, with a time zone.

    Returns None and shows the error if the answer is no time, or too early or too late.
    """
    t = context_of(manager).t
    at = formatting.parse_time(typed, t.time_zone)
    if at is None:
        choice = formatting.repeated_time(typed, t.time_zone)
        show_error(
            manager,
            t("time-twice", first=choice[0], second=choice[1])
            if choice
            else t("time-wrong", zone=t.zone),
        )
        return None
    return await checked_publish_time(manager, at)


async def checked_publish_time(manager: DialogManager, at: datetime) -> datetime | None:
    """Return a time of publication. Returns None and shows the error if it is early or late."""
    context = context_of(manager)
    try:
        async with context.read() as session:
            await publish_times.require(session, at, ahead=context.settings.publish_ahead)
    except (errors.PublishTimePast, errors.PublishTimeTooFar) as error:
        show_error(manager, explain(context.t, error))
        return None
    return at


async def example_amount(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    """Return an example amount in the person's currency, as data for a step's texts."""
    return {"values": {"example": context_of(dialog_manager).t.money(formatting.EXAMPLE)}}


def text_step(
    message_id: str,
    on_answer: AnswerHandler,
    *widgets: Keyboard | Text,
    state: State,
    after_cancel: ScreenAfterCancel,
    first: bool = False,
    back_to: Back = None,
    getter: Getter | None = None,
    takes_forwards: bool = False,
    take_first: FirstTaker | None = None,
) -> Window:
    """Make a step of a form that asks the question `message_id` and waits for a message.

    `widgets` stand below the question. `take_first` may take a message that is no answer to the
    question; then it returns True. If `takes_forwards` is False, the step refuses commands,
    forwarded messages and messages from other bots.
    """

    async def read_answer(
        message: Message, message_input: MessageInput, manager: DialogManager
    ) -> None:
        if take_first is not None and await take_first(message, manager):
            return
        if not takes_forwards and not middlewares.are_own_words(message):
            show_error(manager, context_of(manager).t("answer-forwarded"))
        elif not takes_forwards and (message.text or "").startswith("/"):
            show_error(manager, context_of(manager).t("answer-command"))
        else:
            await on_answer(message, message_input, manager)

    return Window(
        Question(message_id),
        MessageInput(read_answer),
        *widgets,
        navigation_row(after_cancel, first=first, back_to=back_to),
        state=state,
        getter=getter,
    )


def choices(items: str, on_click: Any, *, width: int = 2) -> Group:
    """Make buttons for the answers to a step, `width` in a row.

    The step's data has pairs of the id and the label of each answer under the name `items`.
    """
    select = Select(
        ItemLabel(),
        id=items,
        item_id_getter=lambda item: item[0],
        items=items,
        on_click=on_click,
    )
    return Group(select, width=width)


def navigation_row(
    after_cancel: ScreenAfterCancel, *, first: bool = False, back_to: Back = None
) -> Row:
    """Make a row with the buttons "back" and "cancel".

    `after_cancel` makes the screen after "cancel". If `first` is True, there is no button "back".
    `back_to` is the step for "back", or a function that returns it; None means the previous step.
    """

    async def back(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        manager.dialog_data.pop(_ERROR, None)
        step = back_to if back_to is None or isinstance(back_to, State) else back_to(manager)
        await manager.switch_to(step) if step else await manager.back()

    async def cancel(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        await close_form(manager, await after_cancel(manager, context_of(manager)))

    buttons = [Button(Translated("cancel"), "cancel", on_click=cancel)]
    if not first:
        buttons.insert(0, Button(Translated("back"), "back", on_click=back))
    return Row(*buttons)
