"""Deposits in the admin chat: only to look at."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import ShowDeposits
from bot.context import RequestContext
from bot.screens import deposits as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import respond
from services.money import deposits
from services.platform.actors import MODERATORS

router = Router(name="deposits")


async def _page(context: RequestContext, number: int) -> Outgoing:
    context.actor.require_staff(*MODERATORS, action="deposits")
    async with context.read() as session:
        found = await deposits.recent(session, limit=FETCH, offset=offset(number))
        waiting = await deposits.waiting(session)
    return screens.page(context.t, Page(found, number), waiting)


@router.message(Command("deposits"))
async def show(message: Message, context: RequestContext) -> None:
    """Show what came in, the newest first."""
    await respond.show(message, await _page(context, 0))


@router.callback_query(ShowDeposits.filter())
async def turn_page(
    press: CallbackQuery, callback_data: ShowDeposits, context: RequestContext
) -> None:
    """Show another page of it."""
    await respond.show(press, await _page(context, callback_data.page))
