"""Handle an advertiser's campaigns: the list, the screens and their buttons."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot import metrics
from bot.callbacks import CampaignAct, Go, OnCampaign, Screen
from bot.context import RequestContext
from bot.screens import campaigns as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.telegram import ad_messages
from bot.telegram.answers import answer_press
from bot.topic_callbacks import SetAdTopic, ShowAdTopics
from db.models.campaigns import CampaignStatus
from handlers import respond
from services.market import ad_topics, campaigns
from services.market.creatives import Creative

router = Router(name="campaigns")

_STATUS_CHANGES = {
    CampaignAct.ACTIVATE: campaigns.activate,
    CampaignAct.PAUSE: campaigns.pause,
    CampaignAct.RESUME: campaigns.resume,
    CampaignAct.CANCEL_CONFIRMED: campaigns.cancel,
}


async def list_screen(context: RequestContext, page_number: int = 0) -> Outgoing:
    """Build the screen with a page of the person's campaigns."""
    async with context.read_quickly() as session:
        rows = await campaigns.of_advertiser(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(page_number)
        )
    return screens.campaigns(context.t, Page(rows, page_number))


async def card_screen(context: RequestContext, campaign_id: int) -> Outgoing:
    """Build the screen of one campaign."""
    async with context.read_quickly() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
        left = await campaigns.budget_left(session, campaign_id)
    return screens.campaign(context.t, row, left)


@router.callback_query(Go.filter(F.screen == Screen.CAMPAIGNS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the person's campaigns."""
    await respond.show(press, await list_screen(context, callback_data.page))


@router.callback_query(Go.filter(F.screen == Screen.CAMPAIGN))
async def show_card(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show the screen of a campaign."""
    await respond.show(press, await card_screen(context, callback_data.id))


@router.callback_query(Go.filter(F.screen == Screen.BUY))
async def choose_campaign(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the person's active campaigns, to choose one for a new placement."""
    async with context.read_quickly() as session:
        rows = await campaigns.of_advertiser(
            session,
            user_id=context.user_id,
            limit=FETCH_LIMIT,
            offset=offset(callback_data.page),
            status=CampaignStatus.ACTIVE,
        )
    await respond.show(press, screens.choose_campaign(context.t, Page(rows, callback_data.page)))


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.SHOW_AD))
async def show_ad(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext, bot: Bot
) -> None:
    """Send the person a campaign's ad as channels get it, and then the campaign's screen."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
        left = await campaigns.budget_left(session, row.id)
    await answer_press(press)
    await bot(ad_messages.message(press.from_user.id, Creative.from_json(row.creative)))
    await respond.send(bot, press.from_user.id, screens.campaign(context.t, row, left))


async def topics_screen(context: RequestContext, campaign_id: int) -> Outgoing:
    """Build the question what the ad of a person's campaign is about."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
    return screens.ad_topics(context.t, row)


@router.callback_query(ShowAdTopics.filter())
async def ask_topic(
    press: CallbackQuery, callback_data: ShowAdTopics, context: RequestContext
) -> None:
    """Ask what the ad of a campaign is about."""
    await respond.show(press, await topics_screen(context, callback_data.id))


@router.callback_query(SetAdTopic.filter())
async def choose_topic(
    press: CallbackQuery, callback_data: SetAdTopic, context: RequestContext
) -> None:
    """Save what the ad of a campaign is about."""
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await ad_topics.choose(
            session,
            actor=context.actor,
            campaign_id=callback_data.id,
            topic=callback_data.topic,
        )


@router.callback_query(OnCampaign.filter(F.act == CampaignAct.CANCEL))
async def ask_cancel(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext
) -> None:
    """Ask for confirmation before a campaign is cancelled."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    await respond.show(press, screens.confirm_cancel(context.t, row))


@router.callback_query(OnCampaign.filter(F.act.in_(_STATUS_CHANGES)))
async def change_status(
    press: CallbackQuery, callback_data: OnCampaign, context: RequestContext
) -> None:
    """Activate, pause, resume or cancel a campaign."""
    change = _STATUS_CHANGES[callback_data.act]
    async with respond.show_result(press, lambda: card_screen(context, callback_data.id)):
        with metrics.measuring(change.__name__, counts=not context.is_tester):
            async with context.begin() as session:
                await change(session, actor=context.actor, campaign_id=callback_data.id)
