"""An advertiser's campaigns: list, card, and what is done with one."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot import ads
from bot.callbacks import CampaignAct, Go, OnCampaign, Place
from bot.screens import campaigns as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from db.models.campaigns import CampaignStatus
from handlers import answers
from services import campaigns
from services.creatives import Creative

router = Router(name="campaigns")

MOVES = {
    CampaignAct.ACTIVATE: campaigns.activate,
    CampaignAct.PAUSE: campaigns.pause,
    CampaignAct.RESUME: campaigns.resume,
    CampaignAct.CANCEL_SURE: campaigns.cancel,
}


async def list_screen(turn: Turn, number: int = 0) -> Outgoing:
    """Read and show the person's campaigns."""
    async with turn.read() as session:
        found = await campaigns.of_advertiser(
            session, user_id=turn.user_id, limit=FETCH, offset=offset(number)
        )
    return screens.campaigns(turn.t, Page(found, number))


async def card_screen(turn: Turn, campaign_id: int) -> Outgoing:
    """Read and show one campaign."""
    async with turn.read() as session:
        row = await campaigns.get(session, actor=turn.actor, campaign_id=campaign_id)
        left = await campaigns.budget_left(session, campaign_id)
    return screens.campaign(turn.t, row, left)


@router.callback_query(Go.filter(F.place == Place.CAMPAIGNS))
async def show_list(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show the list."""
    await answers.show(press, await list_screen(turn, callback_data.page))


@router.callback_query(Go.filter(F.place == Place.CAMPAIGN))
async def show_card(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show one campaign."""
    await answers.show(press, await card_screen(turn, callback_data.id))


@router.callback_query(Go.filter(F.place == Place.BUY))
async def choose_for_buying(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Ask for which of the active campaigns a placement is bought."""
    async with turn.read() as session:
        found = await campaigns.of_advertiser(
            session,
            user_id=turn.user_id,
            limit=FETCH,
            offset=offset(callback_data.page),
            status=CampaignStatus.ACTIVE,
        )
    await answers.show(press, screens.choose_for_buying(turn.t, Page(found, callback_data.page)))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.SHOW_AD))
async def show_ad(press: CallbackQuery, callback_data: OnCampaign, turn: Turn, bot: Bot) -> None:
    """Send the ad itself, as channels get it, and the card below it."""
    async with turn.read() as session:
        row = await campaigns.get(session, actor=turn.actor, campaign_id=callback_data.id)
        left = await campaigns.budget_left(session, row.id)
    await answers.answer(press)
    await bot(ads.message(press.from_user.id, Creative.from_json(row.creative)))
    await answers.send(bot, press.from_user.id, screens.campaign(turn.t, row, left))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.CANCEL))
async def ask_cancel(press: CallbackQuery, callback_data: OnCampaign, turn: Turn) -> None:
    """Ask before a campaign is cancelled: there is no way back."""
    async with turn.read() as session:
        row = await campaigns.get(session, actor=turn.actor, campaign_id=callback_data.id)
    await answers.show(press, screens.cancel_sure(turn.t, row))


@router.callback_query(OnCampaign.filter(F.act.in_(MOVES)))
async def move(press: CallbackQuery, callback_data: OnCampaign, turn: Turn) -> None:
    """Activate, pause, resume or cancel, whatever the pressed message still showed."""
    async with turn.begin() as session:
        await MOVES[callback_data.act](session, actor=turn.actor, campaign_id=callback_data.id)
    await answers.show(press, await card_screen(turn, callback_data.id))
