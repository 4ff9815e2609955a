"""Handle the operators' commands about kill switches, health, the ledger and incidents."""

from datetime import UTC, datetime, timedelta

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import switches, system_status
from bot.context import RequestContext, database_errors
from bot.operator_callbacks import (
    IncidentAct,
    Look,
    OnIncident,
    OnSwitch,
    RunSwitch,
    Sight,
    SwitchAct,
)
from bot.screens import launch as launch_screens
from bot.screens import operators as screens
from bot.screens import stop as stop_screens
from bot.screens import system_status as status_screens
from bot.screens.outgoing import Outgoing
from db.models.operations import Switch
from handlers import respond, stop
from services.money import audit_chain_copies, incidents
from services.platform import killswitches
from services.platform.actors import OPERATORS, STAFF

router = Router(name="operators")

EVERY_SWITCH = "all"
_SWITCH_ARGUMENTS = 3
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


async def _panel(context: RequestContext) -> Outgoing:
    context.actor.require_staff(*STAFF, action="kill_switch_panel")
    async with context.read() as session:
        states = await killswitches.overview(session)
    return screens.panel(context.t, states, datetime.now(UTC))


async def _set_switch(
    context: RequestContext, key: Switch, *, enabled: bool, reason: str
) -> Outgoing:
    async with context.begin() as session:
        set_switch = killswitches.run if enabled else killswitches.stop
        change = await set_switch(session, actor=context.actor, key=key, reason=reason)
    async with database_errors():
        if enabled:
            async with context.read() as session:
                change = await killswitches.compare_with_state(session, change)
        else:
            change = await switches.settle_despite_locks(context.dependencies.sessions, change)
    return stop_screens.changed(context.t, change)


async def _ask_to_run(context: RequestContext, key: Switch) -> Outgoing:
    async with context.read() as session:
        change = await killswitches.last_change(session, key)
    return screens.confirm_run(context.t, key, _change_number(change))


async def _has_changed(context: RequestContext, key: Switch, change: int) -> bool:
    """Return whether a stopped switch was changed after the bot asked for a confirmation."""
    async with context.read() as session:
        return not await killswitches.are_running(session, key) and change != _change_number(
            await killswitches.last_change(session, key)
        )


def _change_number(changed_at: datetime) -> int:
    return (changed_at - _EPOCH) // timedelta(microseconds=1)


@router.message(Command("killswitch", ignore_case=True))
async def set_switch(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Show the kill switches, or change one: `/killswitch stop payouts <reason>` or `run payouts`.

    The bot asks back if the reason is missing, before a run, and after the unclear words `on` and
    `off`.
    """
    arguments = (command.args or "").split(maxsplit=_SWITCH_ARGUMENTS - 1)
    if not arguments:
        await respond.show(message, await _panel(context))
        return
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    verb, key, reason = [*arguments, "", "", ""][:_SWITCH_ARGUMENTS]
    verb, key = verb.lower(), key.lower()
    if key == EVERY_SWITCH and verb == "stop":
        await stop.stop_everything(message, context, reason)
    elif key == EVERY_SWITCH:
        await respond.show(message, screens.no_run_of_all(context.t))
    elif key not in set(Switch) or verb not in {"stop", "run", "on", "off"}:
        await respond.show(message, screens.usage(context.t, command.args or "", list(Switch)))
    elif verb == "run":
        await respond.show(message, await _ask_to_run(context, Switch(key)))
    elif verb == "stop" and reason:
        await respond.show(
            message, await _set_switch(context, Switch(key), enabled=False, reason=reason)
        )
    elif verb == "stop":
        await respond.show(message, screens.stop_reasons(context.t, key))
    else:
        await respond.show(message, screens.ask_stop_or_run(context.t, key))


@router.callback_query(OnSwitch.filter())
async def press_switch(
    press: CallbackQuery, callback_data: OnSwitch, context: RequestContext
) -> None:
    """Handle a press of a button about kill switches."""
    act, key = callback_data.act, callback_data.key
    if act is SwitchAct.PANEL:
        await respond.show(press, await _panel(context))
        return
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    is_known = act is not SwitchAct.STOP or callback_data.reason in screens.STOP_REASONS
    if key not in set(Switch) or not is_known:
        await respond.alert(press, context.t("button-stale"))
    elif act is SwitchAct.ASK_STOP:
        await respond.show(press, screens.stop_reasons(context.t, key))
    elif act is SwitchAct.ASK_RUN:
        await respond.show(press, await _ask_to_run(context, Switch(key)))
    else:
        screen = await _set_switch(context, Switch(key), enabled=False, reason=callback_data.reason)
        await respond.show(press, screen)


@router.callback_query(RunSwitch.filter())
async def run_switch(
    press: CallbackQuery, callback_data: RunSwitch, context: RequestContext
) -> None:
    """Let a stopped kill switch run again.

    If the switch was stopped again after the bot asked for the confirmation, the bot asks again.
    """
    context.actor.require_staff(*OPERATORS, action="kill_switch")
    if callback_data.key not in set(Switch) or callback_data.reason not in screens.RUN_REASONS:
        await respond.alert(press, context.t("button-stale"))
        return
    key = Switch(callback_data.key)
    if await _has_changed(context, key, callback_data.change):
        await respond.replace(press, await _ask_to_run(context, key))
        await respond.alert(press, context.t("switch-stopped-again"))
        return
    screen = await _set_switch(context, key, enabled=True, reason=callback_data.reason)
    if callback_data.reason == screens.LAUNCH_REASON:
        screen = launch_screens.with_way_back(context.t, screen)
    await respond.show(press, screen)


@router.message(Command("health"))
@router.callback_query(Look.filter(F.what == Sight.HEALTH))
async def show_health(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show what an on-call person asks first, as `adtech status` does."""
    context.actor.require_staff(*STAFF, action="health")
    lines = await system_status.gather(
        context.dependencies.sessions,
        context.dependencies.storage,
        sla=context.settings.escrow_sla,
    )
    await respond.show(event, status_screens.status(context.t, lines, datetime.now(UTC)))


@router.message(Command("ledger"))
@router.callback_query(Look.filter(F.what == Sight.LEDGER))
async def check_ledger(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Check the ledger, and show the result.

    A violation forbids new escrows, payouts, refunds and withdrawals.
    """
    context.actor.require_staff(*STAFF, action="ledger_check")
    async with context.begin() as session:
        violations = await incidents.check_on_demand(session)
    await respond.show(event, screens.ledger(context.t, violations))


async def _incidents(context: RequestContext) -> Outgoing:
    async with context.read() as session:
        return screens.incidents(context.t, await incidents.open_incidents(session))


@router.message(Command("incidents"))
@router.callback_query(OnIncident.filter(F.act == IncidentAct.LIST))
async def show_incidents(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show the open incidents."""
    context.actor.require_staff(*STAFF, action="incidents")
    await respond.show(event, await _incidents(context))


@router.callback_query(OnIncident.filter(F.act == IncidentAct.CLOSE))
async def ask_to_close(
    press: CallbackQuery, callback_data: OnIncident, context: RequestContext
) -> None:
    """Ask for confirmation before an open incident is closed."""
    context.actor.require_staff(*OPERATORS, action="incident_close")
    async with context.read() as session:
        is_open = await incidents.is_open(session, callback_data.id)
    if is_open:
        await respond.show(press, screens.confirm_close(context.t, callback_data.id))
    else:
        await respond.show(press, await _incidents(context))


@router.callback_query(OnIncident.filter(F.act == IncidentAct.CLOSE_CONFIRMED))
async def close_incident(
    press: CallbackQuery, callback_data: OnIncident, context: RequestContext
) -> None:
    """Close an incident, unless a rule of the ledger is violated."""
    async with context.begin() as session:
        await incidents.close_incident(session, actor=context.actor, incident_id=callback_data.id)
    async with context.read() as session:
        still_open = await incidents.open_incidents(session)
    await respond.show(press, screens.incident_closed(context.t, callback_data.id, still_open))


@router.message(Command("chainfile"))
async def allow_chain_file(
    message: Message, command: CommandObject, context: RequestContext
) -> None:
    """Allow the scheduler to begin a new file of the audit chain (digests of the ledger)."""
    context.actor.require_staff(*OPERATORS, action="audit_chain_file_add")
    if (command.args or "").strip() != "new":
        await respond.show(message, screens.chain_file_usage(context.t))
        return
    async with context.begin() as session:
        is_new = await audit_chain_copies.allow_new(session, context.actor)
    await respond.show(message, screens.chain_file_allowed(context.t, is_new=is_new))
