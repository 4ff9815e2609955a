"""The admin chat's cards. Every press is authorised and checked again, however old the card is."""

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import channel_rights
from bot.callbacks import Moderate, ModerationAct, ShowQueue
from bot.screens import moderation as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from db.models.campaigns import TargetStatus
from handlers import answers
from services import errors, moderation
from services.actors import MODERATORS

router = Router(name="moderation")


async def _card(turn: Turn, target_id: int) -> moderation.Card:
    async with turn.read() as session:
        return await moderation.card(session, target_id=target_id)


async def _queue(turn: Turn, number: int) -> Outgoing:
    turn.actor.require_staff(*MODERATORS, action="moderation_queue")
    async with turn.read() as session:
        found = await moderation.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(turn.t, Page(found, number))


@router.message(Command("queue"))
async def show_queue(message: Message, turn: Turn) -> None:
    """Show what waits for a decision."""
    await answers.show(message, await _queue(turn, 0))


@router.callback_query(ShowQueue.filter())
async def turn_queue(press: CallbackQuery, callback_data: ShowQueue, turn: Turn) -> None:
    """Show another page of it."""
    await answers.show(press, await _queue(turn, callback_data.page))


@router.callback_query(Moderate.filter(F.act == ModerationAct.OPEN))
async def open_card(press: CallbackQuery, callback_data: Moderate, turn: Turn, bot: Bot) -> None:
    """Send the ad and its card anew."""
    turn.actor.require_staff(*MODERATORS, action="moderation_card")
    row = await _card(turn, callback_data.id)
    await answers.send(bot, turn.admin_chat_id, screens.card(turn.t, row, with_ad=True))
    await answers.answer(press)


@router.callback_query(Moderate.filter(F.act == ModerationAct.CARD))
async def show_card(press: CallbackQuery, callback_data: Moderate, turn: Turn) -> None:
    """Show the card as it stands now."""
    turn.actor.require_staff(*MODERATORS, action="moderation_card")
    row = await _card(turn, callback_data.id)
    await answers.show(press, screens.card(turn.t, row, with_ad=False))


@router.callback_query(Moderate.filter(F.act == ModerationAct.ASK_REASON))
async def ask_reason(press: CallbackQuery, callback_data: Moderate, turn: Turn) -> None:
    """Offer the reasons for a rejection."""
    turn.actor.require_staff(*MODERATORS, action="moderation_reject")
    row = await _card(turn, callback_data.id)
    await answers.show(press, screens.reasons(turn.t, row))


@router.callback_query(Moderate.filter(F.act == ModerationAct.APPROVE))
async def approve(press: CallbackQuery, callback_data: Moderate, turn: Turn, bot: Bot) -> None:
    """Approve, after Telegram has confirmed that the bot can still post for the channel's creator.

    Without enough money the advertiser is told what is missing.
    """
    turn.actor.require_staff(*MODERATORS, action="moderation_approve")
    row = await _card(turn, callback_data.id)
    if row.status == TargetStatus.PENDING:
        problem = await channel_rights.problem(
            bot, chat_id=row.channel_chat_id, creator_telegram_id=row.owner_telegram_id
        )
        if problem is not None:
            await answers.alert(press, turn.t(f"{problem}-admin"))
            return
    try:
        async with turn.begin() as session:
            await moderation.approve(session, actor=turn.actor, target_id=callback_data.id)
    except errors.InsufficientFunds:
        async with turn.begin() as session:
            await moderation.note_missing_funds(session, target_id=callback_data.id)
        raise
    row = await _card(turn, callback_data.id)
    await answers.show(press, screens.card(turn.t, row, with_ad=False))


@router.callback_query(Moderate.filter(F.act == ModerationAct.REJECT))
async def reject(press: CallbackQuery, callback_data: Moderate, turn: Turn) -> None:
    """Reject for one of the preset reasons, which the advertiser is told."""
    if callback_data.reason not in screens.REASONS:
        await answers.alert(press, turn.t("button-stale"))
        return
    async with turn.begin() as session:
        await moderation.reject(
            session, actor=turn.actor, target_id=callback_data.id, reason=callback_data.reason
        )
    row = await _card(turn, callback_data.id)
    await answers.show(press, screens.card(turn.t, row, with_ad=False))
