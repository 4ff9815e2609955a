"""The admin chat's controls: kill switches, health, the ledger's check."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import readiness
from bot.callbacks import CloseIncident, OnSwitch, SwitchAct
from bot.screens import operators as screens
from bot.screens.outgoing import Outgoing
from bot.turn import Turn
from db.models.operations import Switch
from handlers import answers
from services import killswitches, system
from services.actors import OPERATORS, STAFF

router = Router(name="operators")

_WORDS_OF_COMMAND = 3


async def _panel(turn: Turn) -> Outgoing:
    turn.actor.require_staff(*STAFF, action="kill_switch_panel")
    async with turn.read() as session:
        return screens.panel(turn.t, await killswitches.overview(session))


async def _set(turn: Turn, key: Switch, *, enabled: bool, reason: str) -> Outgoing:
    async with turn.begin() as session:
        change = await killswitches.set(
            session, actor=turn.actor, key=key, enabled=enabled, reason=reason
        )
    return screens.changed(turn.t, change)


@router.message(Command("killswitch"))
async def command(message: Message, command: CommandObject, turn: Turn) -> None:
    """Show the panel, or act: `/killswitch stop payouts <reason>`, `/killswitch run payouts`.

    Stopping is done at once. Running asks first. `on` and `off` mean opposite things to different
    people, so they are answered with a question.
    """
    words = (command.args or "").split(maxsplit=_WORDS_OF_COMMAND - 1)
    if not words:
        await answers.show(message, await _panel(turn))
        return
    turn.actor.require_staff(*OPERATORS, action="kill_switch")
    verb, key, reason = [*words, "", "", ""][:_WORDS_OF_COMMAND]
    if key not in set(Switch) or verb not in {"stop", "run", "on", "off"}:
        keys = ", ".join(switch.value for switch in Switch)
        await answers.show(message, Outgoing(turn.t("switch-usage", keys=keys)))
    elif verb == "run":
        await answers.show(message, screens.run_sure(turn.t, key))
    elif verb == "stop" and reason:
        await answers.show(message, await _set(turn, Switch(key), enabled=False, reason=reason))
    elif verb == "stop":
        await answers.show(message, screens.stop_reasons(turn.t, key))
    else:
        await answers.show(message, screens.which(turn.t, key))


@router.callback_query(OnSwitch.filter())
async def press_switch(press: CallbackQuery, callback_data: OnSwitch, turn: Turn) -> None:
    """Act on one switch, or show the panel again."""
    act, key = callback_data.act, callback_data.key
    if act is SwitchAct.PANEL:
        await answers.show(press, await _panel(turn))
        return
    turn.actor.require_staff(*OPERATORS, action="kill_switch")
    allowed = screens.STOP_REASONS if act is SwitchAct.STOP else screens.RUN_REASONS
    sets = act in {SwitchAct.STOP, SwitchAct.RUN}
    if key not in set(Switch) or (sets and callback_data.reason not in allowed):
        await answers.alert(press, turn.t("button-stale"))
    elif act is SwitchAct.ASK_STOP:
        await answers.show(press, screens.stop_reasons(turn.t, key))
    elif act is SwitchAct.ASK_RUN:
        await answers.show(press, screens.run_sure(turn.t, key))
    else:
        screen = await _set(
            turn, Switch(key), enabled=act is SwitchAct.RUN, reason=callback_data.reason
        )
        await answers.show(press, screen)


@router.message(Command("health"))
async def show_health(message: Message, turn: Turn) -> None:
    """Show what the readiness check sees."""
    turn.actor.require_staff(*STAFF, action="health")
    facts, _ = await readiness.look(turn.wiring)
    await answers.show(message, screens.health(turn.t, facts))


@router.message(Command("ledger"))
async def check_ledger(message: Message, turn: Turn) -> None:
    """Run all invariants; what they find freezes money as the clock's own check would."""
    turn.actor.require_staff(*STAFF, action="ledger_check")
    async with turn.begin() as session:
        violations = await system.check_ledger_invariant(session)
    await answers.show(message, screens.ledger(turn.t, violations))


@router.message(Command("incidents"))
async def show_incidents(message: Message, turn: Turn) -> None:
    """Show what is open: while it is, what it stopped cannot be run again."""
    turn.actor.require_staff(*STAFF, action="incidents")
    async with turn.read() as session:
        opened = await system.open_incidents(session)
    await answers.show(message, screens.incidents(turn.t, opened))


@router.callback_query(CloseIncident.filter())
async def close_incident(press: CallbackQuery, callback_data: CloseIncident, turn: Turn) -> None:
    """Close an incident; refused while an invariant is still broken."""
    async with turn.begin() as session:
        await system.close_incident(session, actor=turn.actor, incident_id=callback_data.id)
    async with turn.read() as session:
        opened = await system.open_incidents(session)
    await answers.show(press, screens.incidents(turn.t, opened))
