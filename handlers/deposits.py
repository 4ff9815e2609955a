"""Deposits in the admin chat: only to look at."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import ShowDeposits
from bot.screens import deposits as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers
from services import payments
from services.actors import MODERATORS

router = Router(name="deposits")


async def _page(turn: Turn, number: int) -> Outgoing:
    turn.actor.require_staff(*MODERATORS, action="deposits")
    async with turn.read() as session:
        found = await payments.recent(session, limit=FETCH, offset=offset(number))
        waiting = await payments.waiting(session)
    return screens.page(turn.t, Page(found, number), waiting)


@router.message(Command("deposits"))
async def show(message: Message, turn: Turn) -> None:
    """Show what came in, the newest first."""
    await answers.show(message, await _page(turn, 0))


@router.callback_query(ShowDeposits.filter())
async def turn_page(press: CallbackQuery, callback_data: ShowDeposits, turn: Turn) -> None:
    """Show another page of it."""
    await answers.show(press, await _page(turn, callback_data.page))
