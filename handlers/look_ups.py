"""Let admins look up people, campaigns, placements and channels, and watch words in ads."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.context import RequestContext
from bot.look_up_callbacks import LookedUp, LookUp, StopWatching
from bot.matches import Matches
from bot.screens import look_ups as screens
from bot.screens.outgoing import Outgoing
from handlers import moderation, respond
from services.market import look_ups, watched_words
from services.platform import errors
from services.platform.actors import MODERATORS

router = Router(name="look_ups")


@router.message(Command(*(what.value for what in LookedUp)))
async def look_up(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Show what a command names, for example `/user 123456` or `/channel @daily`."""
    context.actor.require_staff(*MODERATORS, action="look_up")
    what, typed = LookedUp(command.command), (command.args or "").strip()
    try:
        screen = await _find(context, what, typed)
    except errors.NotFound:
        screen = screens.usage(context.t, what)
    await respond.show(message, screen)


async def _find(context: RequestContext, what: LookedUp, typed: str) -> Outgoing:
    """Build the screen of what an admin has typed. Raises NotFound."""
    if what is LookedUp.PLACEMENT or what is LookedUp.CAMPAIGN:
        number = look_ups.number(typed.removeprefix("#"))
        return await _screen(context, what, number, with_ad=what is LookedUp.PLACEMENT)
    async with context.read() as session:
        if what is LookedUp.PERSON:
            return screens.person(context.t, await look_ups.find_person(session, typed))
        return screens.channel(context.t, await look_ups.find_channel(session, typed))


@router.callback_query(LookUp.filter())
async def press_look_up(
    press: CallbackQuery, callback_data: LookUp, context: RequestContext
) -> None:
    """Show a person, campaign, placement or channel instead of the pressed message."""
    context.actor.require_staff(*MODERATORS, action="look_up")
    await respond.show(press, await _screen(context, callback_data.what, callback_data.id))


async def _screen(
    context: RequestContext, what: LookedUp, number: int, *, with_ad: bool = False
) -> Outgoing:
    if what is LookedUp.PLACEMENT:
        return await moderation.card_screen(context, number, with_ad=with_ad)
    async with context.read() as session:
        if what is LookedUp.PERSON:
            return screens.person(context.t, await look_ups.person(session, number))
        if what is LookedUp.CAMPAIGN:
            return screens.campaign(context.t, await look_ups.campaign(session, number))
        return screens.channel(context.t, await look_ups.channel(session, number))


@router.message(Command("watch"), Matches(F.text))
async def watch(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Show the watched words, or watch another one: `/watch casino`."""
    context.actor.require_staff(*MODERATORS, action="word_watch")
    if typed := (command.args or "").strip():
        async with context.begin() as session:
            await watched_words.add(session, actor=context.actor, word=typed)
    await respond.show(message, await _watched(context))


@router.callback_query(StopWatching.filter())
async def stop_watching(
    press: CallbackQuery, callback_data: StopWatching, context: RequestContext
) -> None:
    """Stop watching a word, and show the words that are left."""
    async with context.begin() as session:
        await watched_words.remove(session, actor=context.actor, word_id=callback_data.id)
    await respond.show(press, await _watched(context))


async def _watched(context: RequestContext) -> Outgoing:
    async with context.read() as session:
        return screens.watched(context.t, await watched_words.list_all(session))
