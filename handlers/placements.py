"""Placements: the list, a card with the live state, and taking one back."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot.callbacks import Go, OnPlacement, Place
from bot.screens import placements as screens
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers
from services import campaigns, placements

router = Router(name="placements")


@router.callback_query(Go.filter(F.place == Place.PLACEMENTS))
async def show_list(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show what the person has bought."""
    async with turn.read() as session:
        found = await placements.of_advertiser(
            session, user_id=turn.user_id, limit=FETCH, offset=offset(callback_data.page)
        )
    await answers.show(press, screens.placements(turn.t, Page(found, callback_data.page)))


@router.callback_query(Go.filter(F.place == Place.PLACEMENT))
async def show_card(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show one placement as it stands now."""
    async with turn.read() as session:
        row = await placements.get(session, actor=turn.actor, target_id=callback_data.id)
    await answers.show(press, screens.placement(turn.t, row))


@router.callback_query(OnPlacement.filter(F.act == screens.WITHDRAW))
async def withdraw(press: CallbackQuery, callback_data: OnPlacement, turn: Turn) -> None:
    """Take back what no admin has decided on yet."""
    async with turn.begin() as session:
        await campaigns.withdraw_target(session, actor=turn.actor, target_id=callback_data.id)
    async with turn.read() as session:
        row = await placements.get(session, actor=turn.actor, target_id=callback_data.id)
    await answers.show(press, screens.placement(turn.t, row))
