"""Handle posts that failed for good, and new submissions of their placements."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnDeadLetter, Retry, ShowDeadLetters
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import dead_letters as screens
from bot.screens.paging import FETCH_LIMIT, Page, offset
from handlers import placements as placement_handlers
from handlers import respond
from services.market.terms import Terms
from services.platform import errors
from services.platform.actors import MODERATORS, STAFF
from services.posts import dead_letters

router = Router(name="dead_letters")


async def _dead_letter(context: RequestContext, target_id: int) -> dead_letters.DeadLetter:
    async with context.read() as session:
        return await dead_letters.get(session, target_id=target_id)


@router.message(Command("dlq"))
@router.callback_query(ShowDeadLetters.filter())
async def show_dead_letters(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowDeadLetters | None = None,
) -> None:
    """Show a page of the posts that failed for good, newest first."""
    context.actor.require_staff(*STAFF, action="dead_letters")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await dead_letters.page(session, limit=FETCH_LIMIT, offset=offset(page_number))
    await respond.show(event, screens.dead_letters(context.t, Page(rows, page_number)))


@router.callback_query(OnDeadLetter.filter(F.act == screens.OPEN))
async def show_card(
    press: CallbackQuery, callback_data: OnDeadLetter, context: RequestContext
) -> None:
    """Show one post that failed for good."""
    context.actor.require_staff(*STAFF, action="dead_letters")
    await respond.show(
        press, screens.card(context.t, await _dead_letter(context, callback_data.id))
    )


@router.callback_query(OnDeadLetter.filter(F.act == screens.OFFER))
async def offer(press: CallbackQuery, callback_data: OnDeadLetter, context: RequestContext) -> None:
    """Allow an advertiser once to submit a failed placement again."""
    context.actor.require_staff(*MODERATORS, action="dead_letter_offer")
    async with context.begin() as session:
        await dead_letters.offer(session, actor=context.actor, target_id=callback_data.id)
    await respond.show(
        press, screens.card(context.t, await _dead_letter(context, callback_data.id))
    )


@router.callback_query(Retry.filter())
async def retry(press: CallbackQuery, callback_data: Retry, context: RequestContext) -> None:
    """Submit a failed placement again at the offered price and promised hours.

    Shows a new offer if the channel's terms have changed.
    """
    try:
        async with context.begin() as session:
            target = await dead_letters.retry(
                session,
                actor=context.actor,
                target_id=callback_data.id,
                agreed=Terms(callback_data.price, callback_data.hours),
                fee_bps=context.settings.platform_fee_bps,
                answer_time=context.settings.owner_answer,
                complaint_window=context.settings.complaint_window,
            )
            target_id = target.id
    except errors.TermsChanged as changed:
        await respond.replace(
            press, screens.offer(context.t, await _dead_letter(context, callback_data.id))
        )
        await respond.alert(press, explain(context.t, changed))
        return
    await respond.show_beside(press, await placement_handlers.screen(context, target_id))
