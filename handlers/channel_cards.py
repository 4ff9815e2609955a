"""Handle the card of a channel outside of forms: show it, draw its growth, and share its link."""

import asyncio

from aiogram import Bot, Router
from aiogram.types import BufferedInputFile, CallbackQuery
from aiogram.utils.deep_linking import create_start_link

from bot import bar_chart
from bot.card_callbacks import DrawGrowth, Mark, MarkFavourite, ShareChannel, ShowCard
from bot.context import RequestContext
from bot.screens import channel_card as screens
from bot.screens.outgoing import Outgoing
from bot.telegram.answers import answer_press
from handlers import respond
from services.market import channel_cards, favourites, managers, subscriber_counts
from services.market.channel_cards import ChannelCard
from services.platform import errors

PREFIX = "buy_"
"""The beginning of the parameter of a link to a card. The id of the channel follows."""

router = Router(name="channel_cards")


async def share_link(bot: Bot, channel_id: int) -> str:
    """Return the link that opens the card of a channel."""
    return await create_start_link(bot, f"{PREFIX}{channel_id}")


async def read_visible(context: RequestContext, channel_id: int) -> tuple[ChannelCard, bool] | None:
    """Return the card of a channel, and whether the channel is the person's own.

    Returns None for a channel that does not exist, and for a channel of others that is not on
    offer.
    """
    async with context.read() as session:
        try:
            card = await channel_cards.read(session, channel_id)
        except errors.NotFound:
            return None
        is_own = await channel_cards.is_own(session, actor=context.actor, channel=card.channel)
    return (card, is_own) if card.is_offered or is_own else None


async def card_screen(context: RequestContext, bot: Bot, channel_id: int) -> Outgoing:
    """Build the screen with the card of a channel, or the one for a channel that cannot be seen."""
    visible = await read_visible(context, channel_id)
    if visible is None:
        return screens.missing(context.t)
    card, is_own = visible
    link = await share_link(bot, channel_id)
    async with context.read_quickly() as session:
        marked = await favourites.is_marked(session, user_id=context.user_id, channel_id=channel_id)
    return screens.card(context.t, card, share_link=link, is_own=is_own, marked=marked)


async def send_growth(context: RequestContext, bot: Bot, chat_id: int, channel_id: int) -> None:
    """Send a picture of the subscribers of a channel that the person can see, if it has any."""
    visible = await read_visible(context, channel_id)
    async with context.read() as session:
        counts = await subscriber_counts.of_channel(session, channel_id)
    if visible is None or not counts:
        await respond.send(bot, chat_id, screens.missing(context.t))
        return
    picture = await asyncio.to_thread(
        bar_chart.draw, [each.day for each in counts], [each.subscribers for each in counts]
    )
    await bot.send_photo(
        chat_id,
        BufferedInputFile(picture, "growth.png"),
        caption=screens.growth_caption(context.t, visible[0].channel, counts),
    )


@router.callback_query(ShowCard.filter())
async def show_card(
    press: CallbackQuery, callback_data: ShowCard, context: RequestContext, bot: Bot
) -> None:
    """Show the card of a channel."""
    await respond.show(press, await card_screen(context, bot, callback_data.id))


@router.callback_query(MarkFavourite.filter())
async def mark_favourite(
    press: CallbackQuery, callback_data: MarkFavourite, context: RequestContext, bot: Bot
) -> None:
    """Make a channel that the person can see a favourite or no favourite, and show its card."""
    if await read_visible(context, callback_data.id) is not None:
        async with context.begin() as session:
            await favourites.mark(
                session,
                actor=context.actor,
                channel_id=callback_data.id,
                marked=callback_data.mark is Mark.ON,
            )
    await respond.show(press, await card_screen(context, bot, callback_data.id))


@router.callback_query(DrawGrowth.filter())
async def draw_growth(
    press: CallbackQuery, callback_data: DrawGrowth, context: RequestContext, bot: Bot
) -> None:
    """Send a picture of the subscribers of a channel."""
    # The staff may have no private chat with the bot.
    chat_id = press.message.chat.id if press.message else press.from_user.id
    await send_growth(context, bot, chat_id, callback_data.id)
    await answer_press(press)


@router.callback_query(ShareChannel.filter())
async def show_share_link(
    press: CallbackQuery, callback_data: ShareChannel, context: RequestContext, bot: Bot
) -> None:
    """Show the owner or a manager the link to the card of a channel.

    Raises NotFound, NotChannelOwner.
    """
    async with context.read() as session:
        row = await managers.get_channel(session, actor=context.actor, channel_id=callback_data.id)
    link = await share_link(bot, row.id)
    await respond.show(press, screens.share(context.t, row, link))
