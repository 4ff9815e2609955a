"""Build the messages about stops, and about the present state of kill switches."""

from collections.abc import Sequence
from dataclasses import replace

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.operator_callbacks import OnSwitch, SwitchAct
from bot.screens import next_steps
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.operations import Switch
from services.platform.killswitches import (
    StopOfAll,
    SwitchChange,
    SwitchHolder,
    SwitchState,
)

_MAX_HOLDERS = 3
_REASON_LENGTH = 200


def stopped_all(t: Texts, stop: StopOfAll) -> Outgoing:
    """Build the answer to a stop of all kill switches, with the button to the switches."""
    lines = [t("stop-all" if stop.stopped else "stop-all-already")]
    if stop.stopped:
        lines.append(t("stop-all-now", keys=_list(stop.stopped)))
    if stop.before:
        lines.append(t("stop-all-before"))
    for same in _by_act(stop.before):
        keys = _list([state.key for state in same])
        if same[0].missing:
            lines.append(t("switch-missing", keys=keys))
            continue
        lines.append(
            t(
                "stop-all-line",
                keys=keys,
                at=_at(t, same[0]),
                by=_by(same[0]),
                reason=shown_reason(t, same[0]),
            )
        )
    lines += _under_way(t, stop.sends_under_way, stop.unsettled, stop.holders)
    lines.append(t("stop-all-next"))
    return Outgoing("\n".join(lines), rows([panel_button(t)]))


def changed(t: Texts, change: SwitchChange) -> Outgoing:
    """Build the screen that says whether a kill switch is now stopped or running.

    If somebody else has changed the switch meanwhile, the screen also says its present state.
    """
    lines = [
        t(
            "switch-changed" if change.changed else "switch-unchanged",
            key=change.key.value,
            state="running" if change.enabled else "stopped",
        )
    ]
    lines += details(t, change)
    return Outgoing("\n".join(lines), rows([panel_button(t)]))


def details(t: Texts, change: SwitchChange) -> list[str]:
    """Build the lines about posts under way, sessions that delayed a stop, and later changes."""
    unsettled = () if change.settled else (change.key,)
    lines = _under_way(t, change.sends_under_way, unsettled, change.holders)
    if change.overtaken_by is not None:
        lines += [t("switch-overtaken"), *state_lines(t, [change.overtaken_by])]
    return lines


def present_states(t: Texts, states: Sequence[SwitchState]) -> Outgoing:
    """Build the notice to staff about kill switches that were changed: their present states."""
    text = "\n".join(state_lines(t, states))
    return Outgoing(text, rows(*next_steps.beside(t, next_steps.KILLSWITCH)))


def state_lines(t: Texts, states: Sequence[SwitchState]) -> list[str]:
    """Build the lines about switches: one for all switches that the same act has changed."""
    lines = []
    for same in _by_act(states):
        keys = _list([state.key for state in same])
        if same[0].missing:
            lines.append(t("switch-missing", keys=keys))
            continue
        lines.append(
            t(
                "switch-now" if len(same) == 1 else "switches-now",
                keys=keys,
                state="running" if same[0].enabled else "stopped",
                at=_at(t, same[0]),
                by=_by(same[0]),
                reason=shown_reason(t, same[0]),
            )
        )
    return lines


def shown_reason(t: Texts, state: SwitchState) -> str:
    """Return why a switch was changed last, cut so that nine reasons fit into a message."""
    return t("switch-reason", reason=names.shorten(state.reason or "missing", _REASON_LENGTH))


def panel_button(t: Texts) -> InlineKeyboardButton:
    """Build the button that opens the screen with all kill switches."""
    return button(t("switch-panel"), OnSwitch(act=SwitchAct.PANEL))


def _under_way(
    t: Texts, sends: int, unsettled: Sequence[Switch], holders: Sequence[SwitchHolder]
) -> list[str]:
    lines = [t("switch-under-way", count=sends)] if sends else []
    if unsettled:
        lines.append(t("switch-unsettled", keys=_list(unsettled)))
    lines += [
        t(
            "switch-holder",
            ended="yes" if holder.ended else "no",
            login=holder.login,
            program=holder.program or "?",
            pid=str(holder.pid),
            seconds=f"{holder.seconds:.1f}",
        )
        for holder in holders[:_MAX_HOLDERS]
    ]
    if len(holders) > _MAX_HOLDERS:
        lines.append(t("switch-holders-more", count=len(holders) - _MAX_HOLDERS))
    return lines


def _at(t: Texts, state: SwitchState) -> str:
    return t.time(state.changed_at) if state.changed_at else "?"


def _by(state: SwitchState) -> str:
    return "system" if state.changed_by is None else str(state.changed_by)


def _by_act(states: Sequence[SwitchState]) -> list[list[SwitchState]]:
    """Group the switches that the same person has stopped or run at the same time."""
    acts: dict[SwitchState, list[SwitchState]] = {}
    for state in states:
        acts.setdefault(replace(state, key=Switch.PAYOUTS), []).append(state)
    return list(acts.values())


def _list(keys: Sequence[Switch]) -> str:
    return ", ".join(key.value for key in keys)
