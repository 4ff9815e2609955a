"""Handle an owner's list of the placements in their channels."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.callbacks import Go, Screen
from bot.context import RequestContext
from bot.owner_callbacks import ShowSold
from bot.screens import sold_placements as screens
from bot.screens.paging import FETCH_LIMIT, Page, offset
from handlers import respond
from services.market import managers, placements, sold_parts

router = Router(name="sold_placements")


@router.callback_query(Go.filter(F.screen == Screen.SOLD))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the placements in the person's channels, newest first."""
    async with context.read_quickly() as session:
        rows = await placements.of_owner(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(callback_data.page)
        )
    await respond.show(press, screens.sold_placements(context.t, Page(rows, callback_data.page)))


@router.callback_query(ShowSold.filter())
async def show_channel(
    press: CallbackQuery, callback_data: ShowSold, context: RequestContext
) -> None:
    """Show a page of one part of the placements in a channel to its owner or a manager."""
    async with context.read() as session:
        channel = await managers.get_channel(
            session, actor=context.actor, channel_id=callback_data.id
        )
        rows = await sold_parts.of_channel(
            session,
            channel,
            callback_data.part,
            limit=FETCH_LIMIT,
            offset=offset(callback_data.page),
        )
        counted = await sold_parts.count(session, channel)
    page = Page(rows, callback_data.page)
    screen = screens.sold_in_channel(context.t, channel, callback_data.part, page, counted)
    await respond.show(press, screen)
