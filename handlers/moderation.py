"""The admin chat's cards. Every press is authorised and checked again, however old the card is."""

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import channel_rights
from bot.callbacks import Moderate, ModerationAct, ShowQueue
from bot.context import RequestContext
from bot.screens import moderation as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from db.models.campaigns import TargetStatus
from handlers import respond
from services.market import moderation
from services.platform import errors
from services.platform.actors import MODERATORS

router = Router(name="moderation")


async def _card(context: RequestContext, target_id: int) -> moderation.Card:
    async with context.read() as session:
        return await moderation.card(session, target_id=target_id)


async def _queue(context: RequestContext, number: int) -> Outgoing:
    context.actor.require_staff(*MODERATORS, action="moderation_queue")
    async with context.read() as session:
        found = await moderation.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(context.t, Page(found, number))


@router.message(Command("queue"))
async def show_queue(message: Message, context: RequestContext) -> None:
    """Show what waits for a decision."""
    await respond.show(message, await _queue(context, 0))


@router.callback_query(ShowQueue.filter())
async def turn_queue(
    press: CallbackQuery, callback_data: ShowQueue, context: RequestContext
) -> None:
    """Show another page of it."""
    await respond.show(press, await _queue(context, callback_data.page))


@router.callback_query(Moderate.filter(F.act == ModerationAct.OPEN))
async def open_card(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext, bot: Bot
) -> None:
    """Send the ad and its card anew."""
    context.actor.require_staff(*MODERATORS, action="moderation_card")
    row = await _card(context, callback_data.id)
    await respond.send(bot, context.admin_chat_id, screens.card(context.t, row, with_ad=True))
    await respond.answer(press)


@router.callback_query(Moderate.filter(F.act == ModerationAct.CARD))
async def show_card(press: CallbackQuery, callback_data: Moderate, context: RequestContext) -> None:
    """Show the card as it stands now."""
    context.actor.require_staff(*MODERATORS, action="moderation_card")
    row = await _card(context, callback_data.id)
    await respond.show(press, screens.card(context.t, row, with_ad=False))


@router.callback_query(Moderate.filter(F.act == ModerationAct.ASK_REASON))
async def ask_reason(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext
) -> None:
    """Offer the reasons for a rejection."""
    context.actor.require_staff(*MODERATORS, action="moderation_reject")
    row = await _card(context, callback_data.id)
    await respond.show(press, screens.reasons(context.t, row))


@router.callback_query(Moderate.filter(F.act == ModerationAct.APPROVE))
async def approve(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext, bot: Bot
) -> None:
    """Approve, after Telegram has confirmed that the bot can still post for the channel's creator.

    Without enough money the advertiser is told what is missing.
    """
    context.actor.require_staff(*MODERATORS, action="moderation_approve")
    row = await _card(context, callback_data.id)
    if row.status == TargetStatus.PENDING:
        problem = await channel_rights.problem(
            bot, chat_id=row.channel_chat_id, creator_telegram_id=row.owner_telegram_id
        )
        if problem is not None:
            await respond.alert(press, context.t(f"{problem}-admin"))
            return
    try:
        async with context.begin() as session:
            await moderation.approve(session, actor=context.actor, target_id=callback_data.id)
    except errors.InsufficientFunds:
        async with context.begin() as session:
            await moderation.note_missing_funds(session, target_id=callback_data.id)
        raise
    row = await _card(context, callback_data.id)
    await respond.show(press, screens.card(context.t, row, with_ad=False))


@router.callback_query(Moderate.filter(F.act == ModerationAct.REJECT))
async def reject(press: CallbackQuery, callback_data: Moderate, context: RequestContext) -> None:
    """Reject for one of the preset reasons, which the advertiser is told."""
    if callback_data.reason not in screens.REASONS:
        await respond.alert(press, context.t("button-stale"))
        return
    async with context.begin() as session:
        await moderation.reject(
            session, actor=context.actor, target_id=callback_data.id, reason=callback_data.reason
        )
    row = await _card(context, callback_data.id)
    await respond.show(press, screens.card(context.t, row, with_ad=False))
