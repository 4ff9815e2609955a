"""Handle the admins' decisions about posts with an unclear state or a broken promise."""

import re
from collections.abc import Sequence

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import (
    OnUncertainPost,
    ResolutionAct,
    StatePublished,
    StatePublishedConfirmed,
)
from bot.context import RequestContext
from bot.screens import uncertain_posts as screens
from bot.screens.outgoing import Outgoing
from bot.telegram.message_lookup import BotRights, LookupResult
from bot.telegram.sender import Sender
from db.models.operations import Switch
from handlers import command_arguments, respond
from services.market.creatives import Creative
from services.platform import killswitches
from services.platform.actors import MODERATORS
from services.posts import manual_resolution, post_candidates, resolution_details
from services.posts.resolution_details import ResolutionCase

router = Router(name="uncertain_posts")

_LINK = re.compile(r"(?:(?:https?://)?t\.me/(?P<chat>c/\d+|\w+)/)?(?P<id>\d{1,15})/?(?:\?\S*)?")
_PRIVATE_LINK_OFFSET = 1_000_000_000_000
"""A link `t.me/c/NUMBER` has the chat id without the minus sign, minus this offset."""


async def _case(context: RequestContext, target_id: int) -> ResolutionCase:
    async with context.read() as session:
        return await resolution_details.get_case(session, target_id=target_id)


async def _card_screen(context: RequestContext, target_id: int) -> Outgoing:
    return screens.card(context.t, await _case(context, target_id), with_ad=False)


@router.callback_query(OnUncertainPost.filter(F.act == ResolutionAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Show the present state of a post."""
    context.actor.require_staff(*MODERATORS, action="doubt_card")
    await respond.show(press, await _card_screen(context, callback_data.id))


@router.callback_query(OnUncertainPost.filter(F.act == ResolutionAct.THERE))
async def ask_link(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Ask an admin for the link to an uncertain post."""
    context.actor.require_staff(*MODERATORS, action="resolution_confirm_published")
    case = await _case(context, callback_data.id)
    still_uncertain = case.uncertain and case.claim_no == callback_data.claim
    screen = (
        screens.ask_link(context.t, case)
        if still_uncertain
        else screens.card(context.t, case, with_ad=False)
    )
    await respond.show(press, screen)


_QUESTIONS = {
    ResolutionAct.ASK_REFUND: ResolutionAct.REFUND,
    ResolutionAct.ASK_RELEASE: ResolutionAct.RELEASE,
    ResolutionAct.ABSENT: ResolutionAct.ABSENT_CONFIRMED,
    ResolutionAct.DISMISS: ResolutionAct.DISMISS_CONFIRMED,
}
"""The decision that follows each question."""


@router.callback_query(OnUncertainPost.filter(F.act.in_(_QUESTIONS)))
async def ask_to_confirm(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Ask for confirmation before a final decision about a post."""
    context.actor.require_staff(*MODERATORS, action="doubt_card")
    case = await _case(context, callback_data.id)
    if case.claim_no != callback_data.claim or not (case.uncertain or case.needs_decision):
        await respond.replace(press, screens.card(context.t, case, with_ad=False))
        await respond.alert(press, context.t("uncertain-moved-on"))
        return
    await respond.show(press, screens.confirm(context.t, case, _QUESTIONS[callback_data.act]))


@router.callback_query(OnUncertainPost.filter())
async def decide(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Carry out the decision of a button, and show the post.

    If the post has changed since the button was shown, nothing is decided.
    """
    decision = {
        ResolutionAct.ABSENT_CONFIRMED: manual_resolution.confirm_absent,
        ResolutionAct.REFUND: manual_resolution.decide_refund,
        ResolutionAct.RELEASE: manual_resolution.decide_release,
        ResolutionAct.WAIT: manual_resolution.postpone,
        ResolutionAct.DISMISS_CONFIRMED: manual_resolution.dismiss_breach,
    }[callback_data.act]
    async with context.begin() as session:
        done = await decision(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            claim_no=callback_data.claim,
        )
    case = await _case(context, callback_data.id)
    screen = screens.card(context.t, case, with_ad=False)
    if done and callback_data.act is ResolutionAct.WAIT:
        await respond.alert(press, context.t("uncertain-waits"))
    elif done and callback_data.act is ResolutionAct.RELEASE and case.needs_decision:
        await respond.replace(press, screen)
        await respond.alert(press, context.t("uncertain-second-release", id=str(case.target_id)))
    elif done:
        await respond.show(press, screen)
    else:
        await respond.replace(press, screen)
        await respond.alert(press, context.t("uncertain-moved-on"))


@router.message(Command("there"))
async def confirm_published(
    message: Message, command: CommandObject, context: RequestContext
) -> None:
    """Handle an admin's statement of a post's link: `/there 12 https://t.me/c/1234/56`.

    12 is the id of the placement. If Telegram proves that the message is the ad, the post is marked
    as published. If the message can be the ad but nothing proves this, a second admin is asked.
    """
    context.actor.require_staff(*MODERATORS, action="resolution_confirm_published")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("uncertain-there-usage")))
        return
    target_id, link = arguments
    case = await _case(context, target_id)
    message_id = _message_id(link, case)
    if message_id is None:
        await respond.show(message, Outgoing(context.t("uncertain-there-usage")))
        return
    if case.uncertain:
        result = await _look_up(context, case, message_id)
        if result is LookupResult.CANDIDATE:
            await respond.show(message, await _state_published(context, case, message_id))
            return
        if result is not LookupResult.OURS:
            await respond.show(
                message, Outgoing(context.t("uncertain-not-seen", trace=result.name.lower()))
            )
            return
        async with context.begin() as session:
            await manual_resolution.confirm_published(
                session,
                actor=context.actor,
                target_id=case.target_id,
                claim_no=case.claim_no,
                message_ids=_ids(case, message_id),
            )
        case = await _case(context, case.target_id)
    await respond.show(message, screens.card(context.t, case, with_ad=False))


@router.message(Command("payowner"))
async def pay_owner(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Handle an admin's decision, with a reason, to pay for a post: `/payowner 12 I saw it`.

    12 is the id of the placement. The bot asks Telegram what is at the link of the post, and keeps
    the answer with the reason. A message that is not the bot's is not paid for.
    """
    context.actor.require_staff(*MODERATORS, action="resolution_decide_release")
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("uncertain-pay-usage")))
        return
    target_id, reason = arguments
    case = await _case(context, target_id)
    if case.needs_decision and case.message_id is not None:
        result = await _probe(context, case)
        if result is LookupResult.ANOTHERS:
            text = context.t("uncertain-not-seen", trace=result.name.lower())
            await respond.show(message, Outgoing(text))
            return
        async with context.begin() as session:
            await manual_resolution.decide_release(
                session,
                actor=context.actor,
                target_id=target_id,
                claim_no=case.claim_no,
                reason=reason,
                probe=result.value,
            )
        case = await _case(context, target_id)
    await respond.show(message, screens.card(context.t, case, with_ad=False))


@router.callback_query(StatePublished.filter())
@router.callback_query(StatePublishedConfirmed.filter())
async def state_published(
    press: CallbackQuery,
    callback_data: StatePublished | StatePublishedConfirmed,
    context: RequestContext,
) -> None:
    """Ask a second admin about a stated message id, or record the second admin's statement."""
    context.actor.require_staff(*MODERATORS, action="resolution_state_published")
    case = await _case(context, callback_data.id)
    message_id = callback_data.message_id
    if not case.uncertain or case.claim_no != callback_data.claim:
        await respond.replace(press, screens.card(context.t, case, with_ad=False))
        await respond.alert(press, context.t("uncertain-moved-on"))
    elif isinstance(callback_data, StatePublished):
        await respond.show(press, screens.confirm_statement(context.t, case, message_id))
    else:
        await respond.show(press, await _state_published(context, case, message_id))


async def _state_published(
    context: RequestContext, case: ResolutionCase, message_id: int
) -> Outgoing:
    """Record a statement. Return the post's screen, or the question to a second admin."""
    async with context.begin() as session:
        await manual_resolution.state_published(
            session,
            actor=context.actor,
            target_id=case.target_id,
            claim_no=case.claim_no,
            message_id=message_id,
        )
    case = await _case(context, case.target_id)
    if case.uncertain:
        return screens.ask_second_admin(context.t, case, message_id)
    return screens.card(context.t, case, with_ad=False)


def _message_id(link: str, case: ResolutionCase) -> int | None:
    """Return the message id in a link or number. Return None for another channel or other text."""
    match = _LINK.fullmatch(link)
    if match is None:
        return None
    chat = match["chat"]
    private_chat = f"c/{-case.chat_id - _PRIVATE_LINK_OFFSET}"
    case_chats = {private_chat, (case.channel_username or "").lower()} - {""}
    return int(match["id"]) if chat is None or chat.lower() in case_chats else None


def _ids(case: ResolutionCase, message_id: int) -> Sequence[int]:
    """Return the ids of a post's messages if the first one has the id `message_id`."""
    return post_candidates.stated_ids(message_id, case.creative.as_json() if case.creative else {})


async def _look_up(context: RequestContext, case: ResolutionCase, message_id: int) -> LookupResult:
    """Ask Telegram whether a message is the ad of an uncertain post, or the first of its album.

    The result CANDIDATE means that the messages can be the ad, but nothing proves this. UNKNOWN
    means that the bot may not post in the channel, or that Telegram gave no clear answer. The
    messages of an album must have successive ids.
    """
    ids = _ids(case, message_id)
    async with context.read() as session:
        candidates = [
            await post_candidates.is_candidate(session, target_id=case.target_id, message_id=each)
            for each in ids
        ]
    if not all(candidates) or case.creative is None:
        return LookupResult.ANOTHERS
    sender = _sender(context)
    results = []
    try:
        rights = await sender.get_bot_rights(case.chat_id)
        if rights is None or not rights.may_post:
            return LookupResult.UNKNOWN
        for each, content in zip(ids, case.creative.messages, strict=True):
            result = await _compare(context, sender, case.chat_id, each, content, rights)
            if result not in {LookupResult.OURS, LookupResult.CANDIDATE}:
                return result
            results.append(result)
    finally:
        await sender.close()
    is_proven = all(result is LookupResult.OURS for result in results)
    return LookupResult.OURS if is_proven else LookupResult.CANDIDATE


async def _compare(
    context: RequestContext,
    sender: Sender,
    chat_id: int,
    message_id: int,
    content: Creative,
    rights: BotRights,
) -> LookupResult:
    """Ask Telegram whether one message has the content of an ad or of an album's item."""
    probe = await sender.probe(chat_id, message_id)
    if probe.result is not LookupResult.CANDIDATE:
        return probe.result
    probe = await sender.compare_forwarded(
        chat_id, message_id, content, through=context.admin_chat_id
    )
    own = not rights.may_edit_others
    unproven = probe.result is LookupResult.UNKNOWN and probe.answered
    if unproven and own and await _may_edit(context):
        probe = await sender.compare_by_edit(chat_id, message_id, content)
    unproven = probe.result is LookupResult.UNKNOWN and probe.answered
    # Another message of the bot may be the ad that somebody has altered.
    altered = probe.result is LookupResult.ANOTHERS and own
    return LookupResult.CANDIDATE if unproven or altered else probe.result


def _sender(context: RequestContext) -> Sender:
    settings = context.settings
    return Sender(token=settings.bot_token.get_secret_value(), api_url=settings.bot_api_url)


async def _probe(context: RequestContext, case: ResolutionCase) -> LookupResult:
    """Ask Telegram what is at the ids of a post.

    The result CANDIDATE means that the bot may edit all messages. Otherwise it is that of the first
    message that differs.
    """
    sender = _sender(context)
    result = LookupResult.UNKNOWN
    try:
        for message_id in case.message_ids:
            result = (await sender.probe(case.chat_id, message_id)).result
            if result is not LookupResult.CANDIDATE:
                break
        return result
    finally:
        await sender.close()


async def _may_edit(context: RequestContext) -> bool:
    """Return whether the kill switch `telegram_posting` allows edits.

    Takes the shared lock of this switch during this call.
    """
    async with context.read() as session:
        await killswitches.lock(session, Switch.TELEGRAM_POSTING)
        return await killswitches.are_running(session, Switch.TELEGRAM_POSTING)
