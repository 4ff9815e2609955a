"""Handle the command `/launch` and its buttons."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import launch_facts
from bot.context import RequestContext
from bot.operator_callbacks import LaunchAct, OnLaunch, SignLaunch
from bot.screens import launch as screens
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.launch import gate, refusals, steps
from services.platform import errors
from services.platform.actors import OPERATORS

router = Router(name="launch")
_REFUSED = (refusals.LaunchCheckOpen, refusals.LaunchPhasePassed, errors.SamePerson)
"""After these refusals, the person also sees the present state of the launch."""


async def _overview(context: RequestContext) -> Outgoing:
    async with context.read() as session:
        return screens.overview(context.t, await gate.read(session))


@router.message(Command("launch"))
@router.callback_query(OnLaunch.filter(F.act == LaunchAct.SHOW))
async def show_launch(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show the phase of the launch, its checks, and what to do now."""
    context.actor.require_staff(*OPERATORS, action="launch")
    await respond.show(event, await _overview(context))


@router.callback_query(OnLaunch.filter(F.act == LaunchAct.CHECK))
async def check_again(press: CallbackQuery, context: RequestContext) -> None:
    """Repeat the first check that has not passed, and go on from there."""
    context.actor.require_staff(*OPERATORS, action="launch_check")
    facts = await launch_facts.gather(context.settings)
    try:
        async with context.begin() as session:
            launch = await gate.check(session, actor=context.actor, facts=facts)
    except _REFUSED:
        await respond.replace(press, await _overview(context))
        raise
    await respond.show(press, screens.overview(context.t, launch))


@router.callback_query(OnLaunch.filter(F.act == LaunchAct.NEXT))
async def begin_phase(
    press: CallbackQuery, callback_data: OnLaunch, context: RequestContext
) -> None:
    """Begin the phase of the button, unless it has begun or an earlier check has not passed."""
    context.actor.require_staff(*OPERATORS, action="launch_next")
    facts = await launch_facts.gather(context.settings)
    try:
        async with context.begin() as session:
            launch = await gate.begin_phase(
                session, actor=context.actor, phase=callback_data.phase, facts=facts
            )
    except _REFUSED:
        await respond.replace(press, await _overview(context))
        raise
    await respond.show(press, screens.overview(context.t, launch))


@router.callback_query(OnLaunch.filter((F.act == LaunchAct.ASK_SIGN) & F.role.in_(steps.SIGNERS)))
async def ask_to_sign(
    press: CallbackQuery, callback_data: OnLaunch, context: RequestContext
) -> None:
    """Ask a person for the confirmation of a signature."""
    context.actor.require_staff(*OPERATORS, action="launch_sign")
    await respond.show(press, screens.ask_to_sign(context.t, callback_data.role))


@router.callback_query(SignLaunch.filter(F.role.in_(steps.SIGNERS)))
async def sign(press: CallbackQuery, callback_data: SignLaunch, context: RequestContext) -> None:
    """Sign the launch in the role of the button."""
    try:
        async with context.begin() as session:
            launch = await gate.sign(session, actor=context.actor, role=callback_data.role)
    except _REFUSED:
        await respond.replace(press, await _overview(context))
        raise
    await respond.show(press, screens.overview(context.t, launch))
