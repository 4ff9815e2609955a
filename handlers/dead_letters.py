"""Posts that failed for good: listed and offered by staff, tried again by their advertiser."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnDeadLetter, Retry, ShowDeadLetters
from bot.errors import explain
from bot.screens import dead_letters as screens
from bot.screens import placements as placement_screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers
from services import dead_letters, errors, placements
from services.actors import MODERATORS, STAFF
from services.campaigns import Terms

router = Router(name="dead_letters")


async def _page(turn: Turn, number: int) -> Outgoing:
    turn.actor.require_staff(*STAFF, action="dead_letters")
    async with turn.read() as session:
        found = await dead_letters.page(session, limit=FETCH, offset=offset(number))
    return screens.page(turn.t, Page(found, number))


async def _letter(turn: Turn, target_id: int) -> dead_letters.DeadLetter:
    async with turn.read() as session:
        return await dead_letters.get(session, target_id=target_id)


@router.message(Command("dlq"))
async def show(message: Message, turn: Turn) -> None:
    """Show what failed for good, the newest first."""
    await answers.show(message, await _page(turn, 0))


@router.callback_query(ShowDeadLetters.filter())
async def turn_page(press: CallbackQuery, callback_data: ShowDeadLetters, turn: Turn) -> None:
    """Show another page of it."""
    await answers.show(press, await _page(turn, callback_data.page))


@router.callback_query(OnDeadLetter.filter(F.act == screens.OPEN))
async def open_letter(press: CallbackQuery, callback_data: OnDeadLetter, turn: Turn) -> None:
    """Show one of them."""
    turn.actor.require_staff(*STAFF, action="dead_letters")
    await answers.show(press, screens.letter(turn.t, await _letter(turn, callback_data.id)))


@router.callback_query(OnDeadLetter.filter(F.act == screens.OFFER))
async def offer(press: CallbackQuery, callback_data: OnDeadLetter, turn: Turn) -> None:
    """Offer it to its advertiser again, once."""
    turn.actor.require_staff(*MODERATORS, action="dead_letter_offer")
    async with turn.begin() as session:
        await dead_letters.offer(session, actor=turn.actor, target_id=callback_data.id)
    await answers.show(press, screens.letter(turn.t, await _letter(turn, callback_data.id)))


@router.callback_query(Retry.filter())
async def retry(press: CallbackQuery, callback_data: Retry, turn: Turn) -> None:
    """Submit it anew on the terms that the offer showed; changed ones are shown first."""
    try:
        async with turn.begin() as session:
            target = await dead_letters.retry(
                session,
                actor=turn.actor,
                target_id=callback_data.id,
                agreed=Terms(callback_data.price, callback_data.hours),
                fee_bps=turn.settings.platform_fee_bps,
            )
            target_id = target.id
    except errors.TermsChanged as changed:
        await answers.replace(press, screens.offer(turn.t, await _letter(turn, callback_data.id)))
        await answers.alert(press, explain(turn.t, changed))
        return
    async with turn.read() as session:
        row = await placements.get(session, actor=turn.actor, target_id=target_id)
    await answers.show(press, placement_screens.placement(turn.t, row))
