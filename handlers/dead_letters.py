"""Posts that failed for good: listed and offered by staff, tried again by their advertiser."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnDeadLetter, Retry, ShowDeadLetters
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import dead_letters as screens
from bot.screens import placements as placement_screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import respond
from services.market import placements
from services.market.campaigns import Terms
from services.platform import errors
from services.platform.actors import MODERATORS, STAFF
from services.posts import dead_letters

router = Router(name="dead_letters")


async def _page(context: RequestContext, number: int) -> Outgoing:
    context.actor.require_staff(*STAFF, action="dead_letters")
    async with context.read() as session:
        found = await dead_letters.page(session, limit=FETCH, offset=offset(number))
    return screens.page(context.t, Page(found, number))


async def _letter(context: RequestContext, target_id: int) -> dead_letters.DeadLetter:
    async with context.read() as session:
        return await dead_letters.get(session, target_id=target_id)


@router.message(Command("dlq"))
async def show(message: Message, context: RequestContext) -> None:
    """Show what failed for good, the newest first."""
    await respond.show(message, await _page(context, 0))


@router.callback_query(ShowDeadLetters.filter())
async def turn_page(
    press: CallbackQuery, callback_data: ShowDeadLetters, context: RequestContext
) -> None:
    """Show another page of it."""
    await respond.show(press, await _page(context, callback_data.page))


@router.callback_query(OnDeadLetter.filter(F.act == screens.OPEN))
async def open_letter(
    press: CallbackQuery, callback_data: OnDeadLetter, context: RequestContext
) -> None:
    """Show one of them."""
    context.actor.require_staff(*STAFF, action="dead_letters")
    await respond.show(press, screens.letter(context.t, await _letter(context, callback_data.id)))


@router.callback_query(OnDeadLetter.filter(F.act == screens.OFFER))
async def offer(press: CallbackQuery, callback_data: OnDeadLetter, context: RequestContext) -> None:
    """Offer it to its advertiser again, once."""
    context.actor.require_staff(*MODERATORS, action="dead_letter_offer")
    async with context.begin() as session:
        await dead_letters.offer(session, actor=context.actor, target_id=callback_data.id)
    await respond.show(press, screens.letter(context.t, await _letter(context, callback_data.id)))


@router.callback_query(Retry.filter())
async def retry(press: CallbackQuery, callback_data: Retry, context: RequestContext) -> None:
    """Submit it anew on the terms that the offer showed; changed ones are shown first."""
    try:
        async with context.begin() as session:
            target = await dead_letters.retry(
                session,
                actor=context.actor,
                target_id=callback_data.id,
                agreed=Terms(callback_data.price, callback_data.hours),
                fee_bps=context.settings.platform_fee_bps,
            )
            target_id = target.id
    except errors.TermsChanged as changed:
        await respond.replace(
            press, screens.offer(context.t, await _letter(context, callback_data.id))
        )
        await respond.alert(press, explain(context.t, changed))
        return
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=target_id)
    await respond.show(press, placement_screens.placement(context.t, row))
