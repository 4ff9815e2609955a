"""Begin the purchase of a post from the card of a channel: choose or create the campaign first."""

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager

from bot import metrics
from bot.card_callbacks import BuyFor, BuyHere
from bot.context import RequestContext
from bot.screens import channel_card as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from db.models.campaigns import Campaign, CampaignStatus
from handlers import buy_steps, channel_cards, respond
from services.market import campaigns
from services.platform import errors

openers = Router(name="card_purchases")


@openers.callback_query(BuyHere.filter())
async def choose_campaign(
    press: CallbackQuery,
    callback_data: BuyHere,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Let the person choose an active campaign, or create one. A single one is taken at once."""
    visible = await channel_cards.read_visible(context, callback_data.id)
    if visible is None:
        await respond.show(press, screens.missing(context.t))
        return
    async with context.read() as session:
        found = await campaigns.of_advertiser(
            session,
            user_id=context.user_id,
            limit=FETCH_LIMIT,
            offset=offset(callback_data.page),
            status=CampaignStatus.ACTIVE,
        )
    if len(found) == 1 and callback_data.page == 0:
        await buy_steps.open_for_channel(dialog_manager, found[0].id, callback_data.id)
        return
    page = Page(found, callback_data.page)
    await respond.show(press, screens.choose_campaign(context.t, visible[0].channel, page))


@openers.callback_query(BuyFor.filter())
async def open_form(
    press: CallbackQuery,
    callback_data: BuyFor,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a campaign of the person and a channel. A draft is activated first.

    Raises NotFound, NotCampaignOwner, CampaignNotActive.
    """
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.campaign)
    if await channel_cards.read_visible(context, callback_data.channel) is None:
        await respond.show(press, screens.missing(context.t))
        return
    if row.status is CampaignStatus.DRAFT:
        with metrics.measuring("activate", counts=not context.is_tester):
            async with context.begin() as session:
                await campaigns.activate(session, actor=context.actor, campaign_id=row.id)
    elif row.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(row.id, row.status)
    await buy_steps.open_for_channel(dialog_manager, row.id, callback_data.channel)


async def after_campaign(
    context: RequestContext, campaign: Campaign, channel_id: int
) -> Outgoing | None:
    """Build the screen after a campaign was created in order to buy in a channel.

    Returns None for the id 0, and if the channel cannot be bought in any more.
    """
    visible = await channel_cards.read_visible(context, channel_id) if channel_id else None
    return screens.saved_for(context.t, campaign, visible[0].channel) if visible else None
