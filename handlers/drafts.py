"""Handle the deletion of drafts, and the form that raises the budget of a campaign."""

from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import CampaignAct, FormName, OnCampaign, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import campaigns as screens
from bot.screens.outgoing import Outgoing
from handlers import campaigns as campaign_handlers
from handlers import forms, respond
from services.market import campaigns, drafts
from services.platform.draft_errors import BudgetTooLow

router = Router(name="drafts")
openers = Router(name="budget_form")


class BudgetForm(StatesGroup):
    """The only step of the form that raises a budget."""

    budget = State()


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.DELETE))
async def ask_delete(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext
) -> None:
    """Ask for confirmation before a draft is deleted."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    await respond.show(press, screens.confirm_delete(context.t, row))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.DELETE_CONFIRMED))
async def delete(press: CallbackQuery, callback_data: OnCampaign, context: RequestContext) -> None:
    """Delete a draft, and show the person's campaigns."""
    async with (
        respond.show_result(press, lambda: campaign_handlers.list_screen(context)),
        context.begin() as session,
    ):
        await drafts.delete(session, actor=context.actor, campaign_id=callback_data.id)


@openers.callback_query(OpenForm.filter(F.name == FormName.BUDGET))
async def open_budget_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form that raises the budget of a campaign. Raises NotFound, NotCampaignOwner."""
    async with context.read() as session:
        await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    await forms.open_form(dialog_manager, BudgetForm.budget, campaign_id=callback_data.id)


def _campaign_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["campaign_id"])


async def _read_budget(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    budget = await forms.read_amount(message, manager)
    if budget is None:
        return
    campaign_id = _campaign_id(manager)
    try:
        async with context.begin() as session:
            await drafts.raise_budget(
                session, actor=context.actor, campaign_id=campaign_id, total_budget=budget
            )
    except BudgetTooLow as error:
        forms.show_error(manager, explain(context.t, error))
        return
    await forms.close_form(manager, await campaign_handlers.card_screen(context, campaign_id))


async def _present_budget(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    campaign_id = _campaign_id(dialog_manager)
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
        left = await campaigns.budget_left(session, campaign_id)
    return {
        "values": {
            "name": row.name,
            "budget": context.t.money(row.total_budget),
            "left": context.t.money(left),
            "example": context.t.money(row.total_budget + formatting.EXAMPLE),
        }
    }


async def _card(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await campaign_handlers.card_screen(context, _campaign_id(manager))


form = Dialog(
    forms.text_step(
        "campaign-raise-ask",
        _read_budget,
        state=BudgetForm.budget,
        after_cancel=_card,
        first=True,
        getter=_present_budget,
    )
)
