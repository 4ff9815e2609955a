"""Build the operators' screens for kill switches, health, ledger checks and incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.operator_callbacks import IncidentAct, OnIncident, OnSwitch, RunSwitch, SwitchAct
from bot.screens import next_steps
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.stop import shown_reason
from bot.screens.violations import line as violation_line
from bot.texts import Texts
from db.models.operations import Incident
from services.money.invariants import Violation
from services.platform.killswitches import SwitchState

STOP_REASONS = ("incident", "suspicion", "maintenance", "drill")
_MAX_INCIDENTS = 20
_MAX_REFS = 5
_FAULTS_LENGTH = 100
_WORDS_LENGTH = 60
LAUNCH_REASON = "launch"
RUN_REASONS = ("resolved", LAUNCH_REASON, "drill_over")


def panel(t: Texts, switches: Sequence[SwitchState], at: datetime) -> Outgoing:
    """Build the screen with the states and buttons of all kill switches, read at `at`."""
    lines = [t("switches", at=t.time(at))]
    lines += [
        t(
            "switch-line",
            key=switch.key.value,
            state=_state(enabled=switch.enabled),
            reason=shown_reason(t, switch),
        )
        for switch in switches
    ]
    return Outgoing("\n".join(lines), rows(*([_switch_button(t, switch)] for switch in switches)))


def stop_reasons(t: Texts, key: str) -> Outgoing:
    """Build the question why the operator wants to stop a kill switch.

    Each button stops the switch at once, for one preset reason.
    """
    return Outgoing(
        t("switch-stop-why", key=key),
        rows(
            *column(
                (
                    t("switch-reason", reason=reason),
                    OnSwitch(act=SwitchAct.STOP, key=key, reason=reason),
                )
                for reason in STOP_REASONS
            ),
            [button(t("back"), OnSwitch(act=SwitchAct.PANEL))],
        ),
    )


def confirm_run(t: Texts, key: str, change: int) -> Outgoing:
    """Build the question whether the operator really wants to run a stopped kill switch.

    Each button runs the switch, for one preset reason. `change` is the number of the last change.
    If the switch has changed at the press, the bot asks again.
    """
    return Outgoing(
        t("switch-run-question", key=key, lets=t("switch-lets", key=key)),
        rows(
            *column(
                (
                    t("switch-run-sure", reason=t("switch-reason", reason=reason)),
                    RunSwitch(key=key, reason=reason, change=change),
                )
                for reason in RUN_REASONS
            ),
            [button(t("back"), OnSwitch(act=SwitchAct.PANEL))],
        ),
    )


def ask_stop_or_run(t: Texts, key: str) -> Outgoing:
    """Build the question whether the operator wants to stop or run a kill switch."""
    return Outgoing(
        t("switch-which", key=key, lets=t("switch-lets", key=key)),
        rows(
            [button(t("switch-stop", key=key), OnSwitch(act=SwitchAct.ASK_STOP, key=key))],
            [button(t("switch-run", key=key), OnSwitch(act=SwitchAct.ASK_RUN, key=key))],
        ),
    )


def usage(t: Texts, words: str, keys: Sequence[str]) -> Outgoing:
    """Build the answer to wrong `words` after `/killswitch`: how it is used, and the names."""
    typed = f"/killswitch {names.shorten(words, _WORDS_LENGTH)}"
    return Outgoing(
        t("switch-usage", words=typed, keys=", ".join(keys)),
        rows(*next_steps.beside(t, next_steps.KILLSWITCH)),
    )


def no_run_of_all(t: Texts) -> Outgoing:
    """Build the answer to somebody who wants to run every kill switch at once."""
    return Outgoing(t("switch-run-all"), rows(*next_steps.instead(t, next_steps.KILLSWITCH)))


def unknown_command(t: Texts) -> Outgoing:
    """Build the answer to a command that the bot does not know."""
    return Outgoing(t("staff-unknown-command"))


def ledger(t: Texts, violations: Sequence[Violation]) -> Outgoing:
    """Build the screen with the result of a check of the ledger."""
    if not violations:
        return Outgoing(t("ledger-clean"), rows(*next_steps.beside(t, next_steps.INCIDENTS)))
    lines = [violation_line(t, violation.name, violation.rows) for violation in violations]
    return Outgoing(
        "\n".join([t("ledger-broken"), *lines]),
        rows(*next_steps.beside(t, next_steps.INCIDENTS, next_steps.KILLSWITCH)),
    )


def incidents(t: Texts, open_incidents: Sequence[Incident]) -> Outgoing:
    """Build the list of open incidents (recorded faults)."""
    if not open_incidents:
        return Outgoing(t("incidents-none"), rows(*next_steps.instead(t, next_steps.KILLSWITCH)))
    listed = open_incidents[:_MAX_INCIDENTS]
    lines = [t("incidents")]
    lines += [
        t(
            "incident-line",
            id=str(incident.id),
            kind=incident.kind,
            at=t.time(incident.opened_at),
            what=_what(incident),
        )
        for incident in listed
    ]
    if len(open_incidents) > len(listed):
        lines.append(t("incidents-more", count=len(open_incidents) - len(listed)))
    return Outgoing(
        "\n".join(lines),
        rows(
            *column(
                (
                    t("incident-close", id=str(incident.id)),
                    OnIncident(act=IncidentAct.CLOSE, id=incident.id),
                )
                for incident in listed
            ),
            *next_steps.beside(t, next_steps.LEDGER, next_steps.KILLSWITCH),
        ),
    )


def incident_closed(t: Texts, incident_id: int, open_incidents: Sequence[Incident]) -> Outgoing:
    """Build the answer that an incident is closed, above the list of those that are open."""
    shown = incidents(t, open_incidents)
    return replace(shown, text=f"{t('incident-closed', id=str(incident_id))}\n{shown.text}")


def chain_file_usage(t: Texts) -> Outgoing:
    """Build the explanation of the command that allows a new file of the audit chain."""
    return Outgoing(t("chain-file-usage"))


def chain_file_allowed(t: Texts, *, is_new: bool) -> Outgoing:
    """Build the answer that a new file of the audit chain is allowed, now or already before."""
    return Outgoing(t("chain-file-allowed" if is_new else "chain-file-waits"))


def _what(incident: Incident) -> str:
    """Return the faults of an incident, cut so that a full list fits into a message."""
    faults = "; ".join(map(_fault, sorted(incident.details.items()))) or "none"
    return names.shorten(faults, _FAULTS_LENGTH)


def _fault(named: tuple[str, Sequence[Mapping[str, Any]]]) -> str:
    name, offenders = named
    refs = ", ".join(str(row.get("ref")) for row in offenders[:_MAX_REFS])
    more = ", …" if len(offenders) > _MAX_REFS else ""
    return f"{name} ({refs}{more})" if refs else name


def confirm_close(t: Texts, incident_id: int) -> Outgoing:
    """Build the question whether a person really wants to close an incident for good."""
    return Outgoing(
        t("incident-close-question", id=str(incident_id)),
        rows(
            [
                button(
                    t("incident-close-sure"),
                    OnIncident(act=IncidentAct.CLOSE_CONFIRMED, id=incident_id),
                )
            ],
            [button(t("no-go-back"), OnIncident(act=IncidentAct.LIST))],
        ),
    )


def _state(*, enabled: bool) -> str:
    return "running" if enabled else "stopped"


def _switch_button(t: Texts, switch: SwitchState) -> InlineKeyboardButton:
    key = switch.key.value
    if switch.enabled:
        return button(t("switch-stop", key=key), OnSwitch(act=SwitchAct.ASK_STOP, key=key))
    return button(t("switch-run", key=key), OnSwitch(act=SwitchAct.ASK_RUN, key=key))
