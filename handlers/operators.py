"""The admin chat's controls: kill switches, health, the ledger's check."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import readiness
from bot.callbacks import CloseIncident, OnSwitch, SwitchAct
from bot.context import RequestContext
from bot.screens import operators as screens
from bot.screens.outgoing import Outgoing
from db.models.operations import Switch
from handlers import respond
from services.money import incidents
from services.platform import killswitches
from services.platform.actors import OPERATORS, STAFF

router = Router(name="operators")

_WORDS_OF_COMMAND = 3


async def _panel(context: RequestContext) -> Outgoing:
    context.actor.require_staff(*STAFF, action="kill_switch_panel")
    async with context.read() as session:
        return screens.panel(context.t, await killswitches.overview(session))


async def _set(context: RequestContext, key: Switch, *, enabled: bool, reason: str) -> Outgoing:
    async with context.begin() as session:
        change = await killswitches.set(
            session, actor=context.actor, key=key, enabled=enabled, reason=reason
        )
    return screens.changed(context.t, change)


@router.message(Command("killswitch"))
async def command(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Show the panel, or act: `/killswitch stop payouts <reason>`, `/killswitch run payouts`.

    Stopping is done at once. Running asks first. `on` and `off` mean opposite things to different
    people, so they are answered with a question.
    """
    words = (command.args or "").split(maxsplit=_WORDS_OF_COMMAND - 1)
    if not words:
        await respond.show(message, await _panel(context))
        return
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    verb, key, reason = [*words, "", "", ""][:_WORDS_OF_COMMAND]
    if key not in set(Switch) or verb not in {"stop", "run", "on", "off"}:
        keys = ", ".join(switch.value for switch in Switch)
        await respond.show(message, Outgoing(context.t("switch-usage", keys=keys)))
    elif verb == "run":
        await respond.show(message, screens.run_sure(context.t, key))
    elif verb == "stop" and reason:
        await respond.show(message, await _set(context, Switch(key), enabled=False, reason=reason))
    elif verb == "stop":
        await respond.show(message, screens.stop_reasons(context.t, key))
    else:
        await respond.show(message, screens.which(context.t, key))


@router.callback_query(OnSwitch.filter())
async def press_switch(
    press: CallbackQuery, callback_data: OnSwitch, context: RequestContext
) -> None:
    """Act on one switch, or show the panel again."""
    act, key = callback_data.act, callback_data.key
    if act is SwitchAct.PANEL:
        await respond.show(press, await _panel(context))
        return
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    allowed = screens.STOP_REASONS if act is SwitchAct.STOP else screens.RUN_REASONS
    sets = act in {SwitchAct.STOP, SwitchAct.RUN}
    if key not in set(Switch) or (sets and callback_data.reason not in allowed):
        await respond.alert(press, context.t("button-stale"))
    elif act is SwitchAct.ASK_STOP:
        await respond.show(press, screens.stop_reasons(context.t, key))
    elif act is SwitchAct.ASK_RUN:
        await respond.show(press, screens.run_sure(context.t, key))
    else:
        screen = await _set(
            context, Switch(key), enabled=act is SwitchAct.RUN, reason=callback_data.reason
        )
        await respond.show(press, screen)


@router.message(Command("health"))
async def show_health(message: Message, context: RequestContext) -> None:
    """Show what the readiness check sees."""
    context.actor.require_staff(*STAFF, action="health")
    facts, _ = await readiness.check(context.dependencies)
    await respond.show(message, screens.health(context.t, facts))


@router.message(Command("ledger"))
async def check_ledger(message: Message, context: RequestContext) -> None:
    """Run all invariants; what they find freezes money as the clock's own check would."""
    context.actor.require_staff(*STAFF, action="ledger_check")
    async with context.begin() as session:
        violations = await incidents.check_ledger_invariant(session)
    await respond.show(message, screens.ledger(context.t, violations))


@router.message(Command("incidents"))
async def show_incidents(message: Message, context: RequestContext) -> None:
    """Show what is open: while it is, what it stopped cannot be run again."""
    context.actor.require_staff(*STAFF, action="incidents")
    async with context.read() as session:
        opened = await incidents.open_incidents(session)
    await respond.show(message, screens.incidents(context.t, opened))


@router.callback_query(CloseIncident.filter())
async def close_incident(
    press: CallbackQuery, callback_data: CloseIncident, context: RequestContext
) -> None:
    """Close an incident; refused while an invariant is still broken."""
    async with context.begin() as session:
        await incidents.close_incident(session, actor=context.actor, incident_id=callback_data.id)
    async with context.read() as session:
        opened = await incidents.open_incidents(session)
    await respond.show(press, screens.incidents(context.t, opened))
