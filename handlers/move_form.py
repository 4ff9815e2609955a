"""Handle the form with which an advertiser moves a pending placement to another time."""

from datetime import datetime
from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button

from bot.context import RequestContext
from bot.errors import explain
from bot.owner_callbacks import ChangeForm, OpenChangeForm
from bot.screens.outgoing import Outgoing
from handlers import forms, respond, time_choice
from handlers import placements as placement_handlers
from handlers.time_choice import TimeSteps
from services.market import placement_versions, placements
from services.platform.calendar_errors import TimeNotFree

openers = Router(name="move_form_opener")


class MoveForm(StatesGroup):
    """The steps of the form: the time, and then what the advertiser has chosen."""

    zone = State()
    day = State()
    month = State()
    hour = State()
    confirm = State()


@openers.callback_query(OpenChangeForm.filter(F.name == ChangeForm.MOVE))
async def open_move_form(
    press: CallbackQuery,
    callback_data: OpenChangeForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for the person's own pending placement. Raises NotFound."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    if row.advertiser_id != context.user_id or not row.is_changeable:
        await respond.show(press, await placement_handlers.screen(context, callback_data.id))
        return
    await forms.open_form(
        dialog_manager,
        _time_steps.first(context),
        target_id=row.target_id,
        version=callback_data.version,
        channel_id=row.channel_id,
        on_top=row.hours_on_top,
    )


def _target_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["target_id"])


async def _placement(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    """Return what the texts say about the placement and its present time."""
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        row = await placements.get(
            session, actor=context.actor, target_id=_target_id(dialog_manager)
        )
    at, t = row.publish_at, context.t
    return {
        "id": str(row.target_id),
        "channel": row.channel_title,
        "when": t.time_and_zone(at) if at else t("when-approved"),
    }


async def _save_time(manager: DialogManager, at: datetime) -> None:
    manager.dialog_data["publish_at"] = at.isoformat()
    await forms.next_step(manager, MoveForm.confirm)


async def _summary(dialog_manager: DialogManager, **data: Any) -> dict[str, Any]:
    at = datetime.fromisoformat(dialog_manager.dialog_data["publish_at"])
    facts = await _placement(dialog_manager, **data)
    return {"values": {**facts, "at": forms.context_of(dialog_manager).t.time_and_zone(at)}}


async def _send(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Move the placement, and show it. If the time is not free any more, ask for another one."""
    context = forms.context_of(manager)
    start: Any = manager.start_data
    try:
        async with context.begin() as session:
            await placement_versions.change_time(
                session,
                actor=context.actor,
                target_id=start["target_id"],
                version=start["version"],
                publish_at=datetime.fromisoformat(manager.dialog_data["publish_at"]),
                publish_ahead=context.settings.publish_ahead,
                answer_time=context.settings.owner_answer,
            )
    except TimeNotFree as error:
        forms.show_error(manager, explain(context.t, error))
        await manager.switch_to(MoveForm.day)
        return
    await forms.close_form(manager, await placement_handlers.screen(context, start["target_id"]))


async def _card(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await placement_handlers.screen(context, _target_id(manager))


_time_steps = TimeSteps(
    "move-ask",
    zone=MoveForm.zone,
    day=MoveForm.day,
    month=MoveForm.month,
    hour=MoveForm.hour,
    save=_save_time,
    place=time_choice.place_of_form,
    after_cancel=_card,
    more=_placement,
)
form = Dialog(
    *_time_steps.windows(),
    Window(
        forms.Question("move-confirm"),
        Button(forms.Translated("change-send"), "submit", on_click=_send),
        forms.navigation_row(_card, back_to=MoveForm.day),
        state=MoveForm.confirm,
        getter=_summary,
    ),
)
