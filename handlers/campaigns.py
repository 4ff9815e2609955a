"""An advertiser's campaigns: list, card, and what is done with one."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot.callbacks import CampaignAct, Go, OnCampaign, Place
from bot.context import RequestContext
from bot.screens import campaigns as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.telegram import ad_messages
from db.models.campaigns import CampaignStatus
from handlers import respond
from services.market import campaigns
from services.market.creatives import Creative

router = Router(name="campaigns")

MOVES = {
    CampaignAct.ACTIVATE: campaigns.activate,
    CampaignAct.PAUSE: campaigns.pause,
    CampaignAct.RESUME: campaigns.resume,
    CampaignAct.CANCEL_SURE: campaigns.cancel,
}


async def list_screen(context: RequestContext, number: int = 0) -> Outgoing:
    """Read and show the person's campaigns."""
    async with context.read() as session:
        found = await campaigns.of_advertiser(
            session, user_id=context.user_id, limit=FETCH, offset=offset(number)
        )
    return screens.campaigns(context.t, Page(found, number))


async def card_screen(context: RequestContext, campaign_id: int) -> Outgoing:
    """Read and show one campaign."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
        left = await campaigns.budget_left(session, campaign_id)
    return screens.campaign(context.t, row, left)


@router.callback_query(Go.filter(F.place == Place.CAMPAIGNS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show the list."""
    await respond.show(press, await list_screen(context, callback_data.page))


@router.callback_query(Go.filter(F.place == Place.CAMPAIGN))
async def show_card(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show one campaign."""
    await respond.show(press, await card_screen(context, callback_data.id))


@router.callback_query(Go.filter(F.place == Place.BUY))
async def choose_for_buying(
    press: CallbackQuery, callback_data: Go, context: RequestContext
) -> None:
    """Ask for which of the active campaigns a placement is bought."""
    async with context.read() as session:
        found = await campaigns.of_advertiser(
            session,
            user_id=context.user_id,
            limit=FETCH,
            offset=offset(callback_data.page),
            status=CampaignStatus.ACTIVE,
        )
    await respond.show(press, screens.choose_for_buying(context.t, Page(found, callback_data.page)))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.SHOW_AD))
async def show_ad(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext, bot: Bot
) -> None:
    """Send the ad itself, as channels get it, and the card below it."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
        left = await campaigns.budget_left(session, row.id)
    await respond.answer(press)
    await bot(ad_messages.message(press.from_user.id, Creative.from_json(row.creative)))
    await respond.send(bot, press.from_user.id, screens.campaign(context.t, row, left))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.CANCEL))
async def ask_cancel(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext
) -> None:
    """Ask before a campaign is cancelled: there is no way back."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    await respond.show(press, screens.cancel_sure(context.t, row))


@router.callback_query(OnCampaign.filter(F.act.in_(MOVES)))
async def move(press: CallbackQuery, callback_data: OnCampaign, context: RequestContext) -> None:
    """Activate, pause, resume or cancel, whatever the pressed message still showed."""
    async with context.begin() as session:
        await MOVES[callback_data.act](session, actor=context.actor, campaign_id=callback_data.id)
    await respond.show(press, await card_screen(context, callback_data.id))
