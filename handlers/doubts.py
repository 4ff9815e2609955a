"""Posts of which nobody knows: the admins' decisions, each checked again when it is pressed."""

import re

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import DoubtAct, OnDoubt
from bot.screens import doubts as screens
from bot.screens.outgoing import Outgoing
from bot.telegram import Sender
from bot.traces import Trace
from bot.turn import Turn
from handlers import answers, arguments
from services import decisions
from services.actors import MODERATORS
from services.decisions import Case

router = Router(name="doubts")

_LINK = re.compile(r"(?:(?:https?://)?t\.me/(?P<place>c/\d+|\w+)/)?(?P<id>\d{1,15})/?(?:\?\S*)?")
_PRIVATE = 1_000_000_000_000
"""A channel's chat id is minus this, less its number in t.me/c links."""


async def _case(turn: Turn, target_id: int) -> Case:
    async with turn.read() as session:
        return await decisions.case(session, target_id=target_id)


@router.callback_query(OnDoubt.filter(F.act == DoubtAct.CARD))
async def show_card(press: CallbackQuery, callback_data: OnDoubt, turn: Turn) -> None:
    """Show the card as it stands now."""
    turn.actor.require_staff(*MODERATORS, action="doubt_card")
    await answers.show(
        press, screens.card(turn.t, await _case(turn, callback_data.id), with_ad=False)
    )


@router.callback_query(OnDoubt.filter(F.act == DoubtAct.THERE))
async def ask_link(press: CallbackQuery, callback_data: OnDoubt, turn: Turn) -> None:
    """Ask where it is: a person's word alone moves no money."""
    turn.actor.require_staff(*MODERATORS, action="doubt_there")
    case = await _case(turn, callback_data.id)
    still = case.uncertain and case.claim_no == callback_data.claim
    screen = screens.ask_link(turn.t, case) if still else screens.card(turn.t, case, with_ad=False)
    await answers.show(press, screen)


@router.callback_query(OnDoubt.filter())
async def decide(press: CallbackQuery, callback_data: OnDoubt, turn: Turn) -> None:
    """Do what the button says, unless the post has moved on; then show what became of it."""
    act = {
        DoubtAct.ABSENT: decisions.absent,
        DoubtAct.REFUND: decisions.refund,
        DoubtAct.RELEASE: decisions.release,
        DoubtAct.WAIT: decisions.wait,
    }[callback_data.act]
    async with turn.begin() as session:
        done = await act(
            session,
            actor=turn.actor,
            target_id=callback_data.id,
            claim_no=callback_data.claim,
        )
    screen = screens.card(turn.t, await _case(turn, callback_data.id), with_ad=False)
    if done and callback_data.act is DoubtAct.WAIT:
        await answers.alert(press, turn.t("doubt-waits"))
    elif done:
        await answers.show(press, screen)
    else:
        await answers.replace(press, screen)
        await answers.alert(press, turn.t("doubt-moved-on"))


@router.message(Command("there"))
async def there(message: Message, command: CommandObject, turn: Turn) -> None:
    """`/there 12 https://t.me/c/1234/56`: the post of placement 12 is at this link."""
    turn.actor.require_staff(*MODERATORS, action="doubt_there")
    found = arguments.id_and_words(command)
    if found is None:
        await answers.show(message, Outgoing(turn.t("doubt-there-usage")))
        return
    target_id, words = found
    case = await _case(turn, target_id)
    message_id = _message_id(words, case)
    if message_id is None:
        await answers.show(message, Outgoing(turn.t("doubt-there-usage")))
        return
    if case.uncertain:
        trace = await _look(turn, case, message_id)
        if trace is not Trace.OURS:
            await answers.show(
                message, Outgoing(turn.t("doubt-not-seen", trace=trace.name.lower()))
            )
            return
        async with turn.begin() as session:
            await decisions.there(
                session,
                actor=turn.actor,
                target_id=case.target_id,
                claim_no=case.claim_no,
                message_id=message_id,
            )
        case = await _case(turn, case.target_id)
    await answers.show(message, screens.card(turn.t, case, with_ad=False))


def _message_id(words: str, case: Case) -> int | None:
    """The id in a link to a post of the case's channel, or the bare id."""
    match = _LINK.fullmatch(words)
    if match is None:
        return None
    place = match["place"]
    ours = {f"c/{-case.chat_id - _PRIVATE}", (case.channel_username or "").lower()} - {""}
    return int(match["id"]) if place is None or place.lower() in ours else None


async def _look(turn: Turn, case: Case, message_id: int) -> Trace:
    """Ask Telegram whether the ad is at this id; what may be another post is not touched."""
    async with turn.read() as session:
        candidate = await decisions.is_candidate(
            session, target_id=case.target_id, message_id=message_id
        )
    if not candidate or case.creative is None:
        return Trace.ANOTHERS
    settings = turn.settings
    sender = Sender(token=settings.bot_token.get_secret_value(), api_url=settings.bot_api_url)
    try:
        standing = await sender.standing(case.chat_id)
        if standing is None or not standing.may_post:
            return Trace.UNKNOWN
        if standing.may_edit_others:
            probe = await sender.compare(
                case.chat_id, message_id, case.creative, through=turn.admin_chat_id
            )
        else:
            probe = await sender.probe(case.chat_id, message_id, case.creative)
    finally:
        await sender.close()
    return probe.trace
