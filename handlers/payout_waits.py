"""Handle the admins' decision about releases that wait because a channel has another creator."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.context import RequestContext
from bot.operator_callbacks import OnPayoutWait, PayoutWaitAct
from bot.screens import payout_waits as screens
from handlers import respond
from services.money import payout_waits
from services.money.payout_waits import WaitDetails
from services.platform.actors import MODERATORS

router = Router(name="payout_waits")


async def _details(context: RequestContext, wait_id: int) -> WaitDetails:
    context.actor.require_staff(*MODERATORS, action="payout_wait")
    async with context.read() as session:
        return await payout_waits.get(session, wait_id)


@router.callback_query(OnPayoutWait.filter(F.act == PayoutWaitAct.SHOW))
async def show_card(
    press: CallbackQuery, callback_data: OnPayoutWait, context: RequestContext
) -> None:
    """Show the present state of a wait."""
    await respond.show(press, screens.card(context.t, await _details(context, callback_data.id)))


@router.callback_query(OnPayoutWait.filter(F.act == PayoutWaitAct.ASK))
async def ask(press: CallbackQuery, callback_data: OnPayoutWait, context: RequestContext) -> None:
    """Ask for confirmation before the owner is paid as agreed."""
    row = await _details(context, callback_data.id)
    screen = screens.question if row.ended_at is None else screens.card
    await respond.show(press, screen(context.t, row))


@router.callback_query(OnPayoutWait.filter(F.act == PayoutWaitAct.END))
async def end(press: CallbackQuery, callback_data: OnPayoutWait, context: RequestContext) -> None:
    """End a wait, so that the owner is paid as agreed."""
    async with context.begin() as session:
        await payout_waits.end(session, actor=context.actor, wait_id=callback_data.id)
    await respond.show(press, screens.card(context.t, await _details(context, callback_data.id)))
