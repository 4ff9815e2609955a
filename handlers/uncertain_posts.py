"""Posts of which nobody knows: the admins' decisions, each checked again when it is pressed."""

import re

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnUncertainPost, ResolutionAct
from bot.context import RequestContext
from bot.screens import uncertain_posts as screens
from bot.screens.outgoing import Outgoing
from bot.telegram.message_lookup import LookupResult
from bot.telegram.sender import Sender
from handlers import command_arguments, respond
from services.platform.actors import MODERATORS
from services.posts import manual_resolution
from services.posts.manual_resolution import ResolutionCase

router = Router(name="doubts")

_LINK = re.compile(r"(?:(?:https?://)?t\.me/(?P<place>c/\d+|\w+)/)?(?P<id>\d{1,15})/?(?:\?\S*)?")
_PRIVATE = 1_000_000_000_000
"""A channel's chat id is minus this, less its number in t.me/c links."""


async def _case(context: RequestContext, target_id: int) -> ResolutionCase:
    async with context.read() as session:
        return await manual_resolution.get_case(session, target_id=target_id)


@router.callback_query(OnUncertainPost.filter(F.act == ResolutionAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Show the card as it stands now."""
    context.actor.require_staff(*MODERATORS, action="doubt_card")
    await respond.show(
        press, screens.card(context.t, await _case(context, callback_data.id), with_ad=False)
    )


@router.callback_query(OnUncertainPost.filter(F.act == ResolutionAct.THERE))
async def ask_link(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Ask where it is: a person's word alone moves no money."""
    context.actor.require_staff(*MODERATORS, action="resolution_confirm_published")
    case = await _case(context, callback_data.id)
    still = case.uncertain and case.claim_no == callback_data.claim
    screen = (
        screens.ask_link(context.t, case) if still else screens.card(context.t, case, with_ad=False)
    )
    await respond.show(press, screen)


@router.callback_query(OnUncertainPost.filter())
async def decide(
    press: CallbackQuery, callback_data: OnUncertainPost, context: RequestContext
) -> None:
    """Do what the button says, unless the post has moved on; then show what became of it."""
    act = {
        ResolutionAct.ABSENT: manual_resolution.confirm_absent,
        ResolutionAct.REFUND: manual_resolution.decide_refund,
        ResolutionAct.RELEASE: manual_resolution.decide_release,
        ResolutionAct.WAIT: manual_resolution.postpone,
    }[callback_data.act]
    async with context.begin() as session:
        done = await act(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            claim_no=callback_data.claim,
        )
    screen = screens.card(context.t, await _case(context, callback_data.id), with_ad=False)
    if done and callback_data.act is ResolutionAct.WAIT:
        await respond.alert(press, context.t("uncertain-waits"))
    elif done:
        await respond.show(press, screen)
    else:
        await respond.replace(press, screen)
        await respond.alert(press, context.t("uncertain-moved-on"))


@router.message(Command("there"))
async def there(message: Message, command: CommandObject, context: RequestContext) -> None:
    """`/there 12 https://t.me/c/1234/56`: the post of placement 12 is at this link."""
    context.actor.require_staff(*MODERATORS, action="resolution_confirm_published")
    found = command_arguments.id_and_words(command)
    if found is None:
        await respond.show(message, Outgoing(context.t("uncertain-there-usage")))
        return
    target_id, words = found
    case = await _case(context, target_id)
    message_id = _message_id(words, case)
    if message_id is None:
        await respond.show(message, Outgoing(context.t("uncertain-there-usage")))
        return
    if case.uncertain:
        trace = await _look(context, case, message_id)
        if trace is not LookupResult.OURS:
            await respond.show(
                message, Outgoing(context.t("uncertain-not-seen", trace=trace.name.lower()))
            )
            return
        async with context.begin() as session:
            await manual_resolution.confirm_published(
                session,
                actor=context.actor,
                target_id=case.target_id,
                claim_no=case.claim_no,
                message_id=message_id,
            )
        case = await _case(context, case.target_id)
    await respond.show(message, screens.card(context.t, case, with_ad=False))


def _message_id(words: str, case: ResolutionCase) -> int | None:
    """The id in a link to a post of the case's channel, or the bare id."""
    match = _LINK.fullmatch(words)
    if match is None:
        return None
    place = match["place"]
    ours = {f"c/{-case.chat_id - _PRIVATE}", (case.channel_username or "").lower()} - {""}
    return int(match["id"]) if place is None or place.lower() in ours else None


async def _look(context: RequestContext, case: ResolutionCase, message_id: int) -> LookupResult:
    """Ask Telegram whether the ad is at this id; what may be another post is not touched."""
    async with context.read() as session:
        candidate = await manual_resolution.is_candidate(
            session, target_id=case.target_id, message_id=message_id
        )
    if not candidate or case.creative is None:
        return LookupResult.ANOTHERS
    settings = context.settings
    sender = Sender(token=settings.bot_token.get_secret_value(), api_url=settings.bot_api_url)
    try:
        standing = await sender.get_bot_rights(case.chat_id)
        if standing is None or not standing.may_post:
            return LookupResult.UNKNOWN
        if standing.may_edit_others:
            probe = await sender.compare_forwarded(
                case.chat_id, message_id, case.creative, through=context.admin_chat_id
            )
        else:
            probe = await sender.probe(case.chat_id, message_id, case.creative)
    finally:
        await sender.close()
    return probe.trace
