"""Show the deposits to the staff in the admin chat."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.callbacks import ShowDeposits
from bot.context import RequestContext
from bot.screens import deposits as screens
from bot.screens.paging import FETCH_LIMIT, Page, offset
from handlers import respond
from services.money import deposits
from services.platform.actors import MODERATORS

router = Router(name="deposits")


@router.message(Command("deposits"))
@router.callback_query(ShowDeposits.filter())
async def show_deposits(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowDeposits | None = None,
) -> None:
    """Show a page of the deposits, newest first, and how many are not credited yet."""
    context.actor.require_staff(*MODERATORS, action="deposits")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await deposits.list_recent(session, limit=FETCH_LIMIT, offset=offset(page_number))
        waiting = await deposits.uncredited_total(session)
    await respond.show(event, screens.deposits(context.t, Page(rows, page_number), waiting))
