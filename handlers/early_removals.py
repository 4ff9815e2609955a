"""Handle the admins' decisions about channels whose owners removed posts early."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.context import RequestContext
from bot.removal_callbacks import OnRemovals, RemovalAct
from bot.screens import early_removals as screens
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.market import early_removals
from services.market.early_removals import ChannelRemovals
from services.platform.actors import MODERATORS

router = Router(name="early_removals")


async def _read(context: RequestContext, channel_id: int) -> ChannelRemovals:
    async with context.read() as session:
        return await early_removals.get(session, channel_id)


async def _card_screen(context: RequestContext, channel_id: int) -> Outgoing:
    return screens.card(context.t, await _read(context, channel_id))


@router.callback_query(OnRemovals.filter(F.act == RemovalAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnRemovals, context: RequestContext
) -> None:
    """Show the present state of a channel with early removals."""
    context.actor.require_staff(*MODERATORS, action="removals_card")
    await respond.show(press, await _card_screen(context, callback_data.id))


@router.callback_query(OnRemovals.filter(F.act == RemovalAct.ASK_REASON))
async def ask_reason(
    press: CallbackQuery, callback_data: OnRemovals, context: RequestContext
) -> None:
    """Ask why the channel may be offered again, if it still waits for a decision."""
    context.actor.require_staff(*MODERATORS, action="channel_offer_again")
    row = await _read(context, callback_data.id)
    waits = row.channel.removed_early_at is not None
    await respond.show(press, (screens.reasons if waits else screens.card)(context.t, row))


@router.callback_query(
    OnRemovals.filter((F.act == RemovalAct.OFFER) & F.reason.in_(screens.REASONS))
)
async def offer_again(
    press: CallbackQuery, callback_data: OnRemovals, context: RequestContext
) -> None:
    """Let a channel be offered again for a preset reason. A second press changes nothing."""
    async with (
        respond.show_result(press, lambda: _card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await early_removals.offer_again(
            session,
            actor=context.actor,
            channel_id=callback_data.id,
            reason=callback_data.reason,
        )
