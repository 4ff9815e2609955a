"""Handle the approval and rejection of placements in the admin chat."""

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import channel_rights, metrics
from bot.callbacks import Moderate, ModerationAct, ShowQueue
from bot.context import RequestContext
from bot.screens import moderation as screens
from bot.screens import wanted_changes
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.telegram.answers import answer_press
from db.models.campaigns import TargetStatus
from handlers import command_arguments, respond
from services.market import (
    card_readers,
    change_requests,
    channel_facts,
    channels,
    missing_money,
    moderation,
    owner_suspensions,
    placement_backgrounds,
)
from services.platform import errors
from services.platform.actors import MODERATORS

router = Router(name="moderation")


async def _card(context: RequestContext, target_id: int) -> moderation.PlacementDetails:
    async with context.read() as session:
        return await moderation.get_details(session, target_id=target_id)


async def card_screen(
    context: RequestContext, target_id: int, *, with_ad: bool = False
) -> Outgoing:
    """Build the staff's message about one placement. The caller has checked the actor's role."""
    async with context.read() as session:
        row = await moderation.get_details(session, target_id=target_id)
        background = await placement_backgrounds.read(session, row)
    return screens.card(context.t, row, background, with_ad=with_ad)


@router.message(Command("queue"))
@router.callback_query(ShowQueue.filter())
async def show_queue(
    event: CallbackQuery | Message, context: RequestContext, callback_data: ShowQueue | None = None
) -> None:
    """Show a page of the placements without a decision."""
    context.actor.require_staff(*MODERATORS, action="moderation_queue")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await moderation.queue(session, limit=FETCH_LIMIT, offset=offset(page_number))
    await respond.show(event, screens.queue(context.t, Page(rows, page_number)))


@router.callback_query(Moderate.filter(F.act == ModerationAct.OPEN))
async def open_card(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext, bot: Bot
) -> None:
    """Send the ad and the details of a placement to the admin chat as new messages."""
    context.actor.require_staff(*MODERATORS, action="moderation_card")
    screen = await card_screen(context, callback_data.id, with_ad=True)
    await respond.send(bot, context.admin_chat_id, screen)
    await answer_press(press)


@router.callback_query(Moderate.filter(F.act == ModerationAct.CARD))
async def show_card(press: CallbackQuery, callback_data: Moderate, context: RequestContext) -> None:
    """Show the present state of a placement."""
    context.actor.require_staff(*MODERATORS, action="moderation_card")
    await respond.show(press, await card_screen(context, callback_data.id))


@router.callback_query(Moderate.filter(F.act == ModerationAct.ASK_REASON))
async def ask_reason(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext
) -> None:
    """Show the preset reasons for a rejection as buttons."""
    context.actor.require_staff(*MODERATORS, action="moderation_reject")
    row = await _card(context, callback_data.id)
    pending = row.status == TargetStatus.PENDING
    screen = (
        screens.reasons(context.t, row) if pending else await card_screen(context, row.target_id)
    )
    await respond.show(press, screen)


@router.callback_query(Moderate.filter(F.act == ModerationAct.APPROVE))
async def approve(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext, bot: Bot
) -> None:
    """Approve a placement, if the bot may post in the channel and the owner is still its creator.

    Otherwise the channel is suspended. If money is missing, or if the advertiser owes money to the
    platform, the advertiser is notified.
    """
    context.actor.require_staff(*MODERATORS, action="moderation_approve")
    row = await _card(context, callback_data.id)
    if row.status == TargetStatus.PENDING:
        problem = await channel_rights.find_problem(
            bot, chat_id=row.channel_chat_id, creator_telegram_id=row.owner_telegram_id
        )
        if problem is not None:
            await _suspend_channel(context, row, problem)
            await respond.alert(press, context.t(f"{problem}-admin"))
            return
    async with respond.show_result(press, lambda: card_screen(context, callback_data.id)):
        await _approve(press, context, callback_data)


async def _approve(press: CallbackQuery, context: RequestContext, pressed: Moderate) -> None:
    target_id = pressed.id
    try:
        with metrics.measuring("approve"):
            async with context.begin() as session:
                await moderation.approve(
                    session, actor=context.actor, target_id=target_id, version=pressed.version
                )
    except errors.InsufficientFunds:
        async with context.begin() as session:
            await missing_money.notify_missing_funds(session, target_id=target_id)
        raise
    except errors.OpenLoss as error:
        async with context.begin() as session:
            await missing_money.notify_open_loss(session, target_id=target_id)
        await respond.replace(press, await card_screen(context, target_id))
        raise errors.AdvertiserOwes(target_id, error.needed, error.currency) from error


async def _suspend_channel(
    context: RequestContext, row: moderation.PlacementDetails, problem: str
) -> None:
    async with context.begin() as session:
        if problem == channel_rights.NO_RIGHT:
            await channels.record_rights_lost(
                session, chat_id=row.channel_chat_id, reason="no_post_right"
            )
        else:
            await owner_suspensions.record_not_creator(
                session, channel_id=row.channel_id, owner_id=row.owner_id
            )
            await channel_facts.request(session, chat_id=row.channel_chat_id)


@router.callback_query(Moderate.filter(F.act == ModerationAct.TAKE))
async def take_card(press: CallbackQuery, callback_data: Moderate, context: RequestContext) -> None:
    """Show to colleagues that the person reads a card, unless another admin reads it."""
    async with context.begin() as session:
        taken = await card_readers.take(session, actor=context.actor, target_id=callback_data.id)
    await respond.replace(press, await card_screen(context, callback_data.id))
    await respond.alert(press, context.t("card-taken", taken="yes" if taken else "no"))


@router.callback_query(Moderate.filter(F.act == ModerationAct.GIVE_BACK))
async def give_card_back(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext
) -> None:
    """Let others read a card that the person has taken."""
    context.actor.require_staff(*MODERATORS, action="moderation_card")
    async with context.begin() as session:
        await card_readers.give_back(session, actor=context.actor, target_id=callback_data.id)
    await respond.show(press, await card_screen(context, callback_data.id))


@router.message(Command("reject"))
async def reject_in_words(
    message: Message, command: CommandObject, context: RequestContext
) -> None:
    """Reject a placement for a reason in own words: `/reject 12 The link is broken`.

    12 is the id of the placement, in its present version.
    """
    context.actor.require_staff(*MODERATORS, action="moderation_reject")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("reject-usage")))
        return
    target_id, words = arguments
    row = await _card(context, target_id)
    async with context.begin() as session:
        await moderation.reject(
            session, actor=context.actor, target_id=target_id, reason=words, version=row.version
        )
    await respond.show(message, await card_screen(context, target_id))


@router.callback_query(
    Moderate.filter((F.act == ModerationAct.REJECT) & F.reason.in_(screens.REASONS))
)
async def reject(press: CallbackQuery, callback_data: Moderate, context: RequestContext) -> None:
    """Reject a placement for a preset reason."""
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await moderation.reject(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            reason=callback_data.reason,
            version=callback_data.version,
        )


@router.callback_query(Moderate.filter(F.act == ModerationAct.ASK_CHANGE))
async def ask_what_to_change(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext
) -> None:
    """Show the presets of what the advertiser should change."""
    context.actor.require_staff(*MODERATORS, action="change_ask")
    row = await _card(context, callback_data.id)
    pending = row.status == TargetStatus.PENDING and not row.waits_for_owner
    screen = (
        screens.changes(context.t, row) if pending else await card_screen(context, row.target_id)
    )
    await respond.show(press, screen)


@router.callback_query(
    Moderate.filter((F.act == ModerationAct.CHANGE) & F.reason.in_(wanted_changes.REASONS))
)
async def ask_for_change(
    press: CallbackQuery, callback_data: Moderate, context: RequestContext
) -> None:
    """Ask the advertiser for a preset change."""
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await change_requests.ask_as_moderator(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            version=callback_data.version,
            words=callback_data.reason,
        )


@router.message(Command("change"))
async def ask_in_words(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Ask an advertiser for a change in own words: `/change 12 Please name the price`.

    12 is the id of the placement, in its present version.
    """
    context.actor.require_staff(*MODERATORS, action="change_ask")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("change-usage")))
        return
    target_id, words = arguments
    row = await _card(context, target_id)
    async with context.begin() as session:
        await change_requests.ask_as_moderator(
            session, actor=context.actor, target_id=target_id, version=row.version, words=words
        )
    await respond.show(message, await card_screen(context, target_id))
