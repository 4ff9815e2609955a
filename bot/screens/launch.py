"""Build the operators' screens for the launch, and the notice that a rollback criterion is met."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiogram.types import InlineKeyboardButton

from bot.operator_callbacks import LaunchAct, OnLaunch, OnSwitch, SignLaunch, SwitchAct
from bot.screens import launch_findings, next_steps
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.operations import Switch
from services.launch.gate import Launch, StepState
from services.launch.steps import SIGN_OFF, SIGNERS

_ABOUT_SWITCHES = frozenset(
    ["all_stopped", "still_stopped", *(f"{switch.value}_running" for switch in Switch)]
)
"""The checks that name switches with a plus or a minus."""
_ROLLBACK_COMMANDS = {
    "ledger_violations": next_steps.INCIDENTS,
    "invariant_check_failed": next_steps.LEDGER,
    "failed_without_refund": "/dlq",
}


def overview(t: Texts, launch: Launch) -> Outgoing:
    """Build the screen with the checks of the present phase, and with what to do now."""
    return Outgoing("\n".join(lines(t, launch)), rows(*_buttons(t, launch)))


def lines(t: Texts, launch: Launch) -> list[str]:
    """Return the lines of the screen, which the command line prints too."""
    text = [t("launch", phase=_title(launch))]
    if launch.phase is None:
        return [*text, t("launch-begin")]
    if launch.may_be_signed:
        return [*text, *_signatures(t, launch)]
    text += [_line(t, state) for state in launch.of_phase(launch.phase)]
    failed = launch.first_open(launch.phase)
    if failed is None:
        return [*text, t("launch-passed")]
    if failed.found:
        at = t.time(failed.at) if failed.at else ""
        text.append(t("launch-found", found=launch_findings.show(t, failed.found), at=at))
    return [*text, t("launch-do", name=failed.step.name)]


def _title(launch: Launch) -> str | int:
    if launch.is_signed:
        return "signed"
    if launch.may_be_signed:
        return "sign"
    return "none" if launch.phase is None else launch.phase


def _line(t: Texts, state: StepState) -> str:
    shown = {True: "passed", False: "failed", None: "open"}[state.passed]
    return t("launch-line", state=shown, check=t("launch-check", name=state.step.name))


def _signatures(t: Texts, launch: Launch) -> list[str]:
    signed = [state for state in launch.of_phase(SIGN_OFF) if state.passed]
    text = [
        t(
            "launch-signature",
            role=t("launch-role", name=state.step.name),
            by=str(state.by),
            at=t.time(state.at) if state.at else "",
        )
        for state in signed
    ]
    if launch.is_signed:
        return [*text, t("launch-signed")]
    done = {state.step.name for state in signed}
    missing = [t("launch-role", name=role) for role in SIGNERS if role not in done]
    text.append(t("launch-sign", open=", ".join(missing)))
    if launch.may_sign is not None and launch.may_sign < len(missing):
        text.append(t("launch-few-signers", people=launch.may_sign, missing=len(missing)))
    return text


def _buttons(t: Texts, launch: Launch) -> list[list[InlineKeyboardButton]]:
    if launch.next_phase is not None:
        phase = launch.next_phase
        following = OnLaunch(act=LaunchAct.NEXT, phase=phase)
        return [[button(t("launch-next", phase=str(phase)), following)]]
    if launch.may_be_signed:
        return [
            [
                button(
                    t("launch-sign-as", role=t("launch-role", name=state.step.name)),
                    OnLaunch(act=LaunchAct.ASK_SIGN, role=state.step.name),
                )
            ]
            for state in launch.of_phase(SIGN_OFF)
            if not state.passed
        ]
    failed = launch.first_open(launch.phase or 0)
    lines_ = [[button(t("launch-again"), OnLaunch(act=LaunchAct.CHECK))]]
    if failed is None or not failed.found or failed.step.name not in _ABOUT_SWITCHES:
        return lines_
    return [
        *(_change(t, word) for word in failed.found.split(", ")),
        *lines_,
        *next_steps.beside(t, next_steps.KILLSWITCH),
    ]


def _change(t: Texts, word: str) -> list[InlineKeyboardButton]:
    """Build the button that runs a switch with a plus, or stops a switch with a minus."""
    sign, key = word[:1], word[1:]
    if sign == "+":
        return [button(t("launch-run-switch", key=key), OnSwitch(act=SwitchAct.ASK_RUN, key=key))]
    return [button(t("switch-stop", key=key), OnSwitch(act=SwitchAct.ASK_STOP, key=key))]


def with_way_back(t: Texts, screen: Outgoing) -> Outgoing:
    """Add a button that shows the launch to the screen after a switch was run for the launch."""
    way_back = [button(t("launch-show"), OnLaunch(act=LaunchAct.SHOW))]
    shown = screen.inline.inline_keyboard if screen.inline else []
    return replace(screen, keyboard=rows(way_back, *shown))


def ask_to_sign(t: Texts, role: str) -> Outgoing:
    """Build the question whether the person signs the launch in a role."""
    return Outgoing(
        t("launch-sign-question", role=t("launch-role", name=role)),
        rows(
            [button(t("launch-sign-sure"), SignLaunch(role=role))],
            [button(t("back"), OnLaunch(act=LaunchAct.SHOW))],
        ),
    )


def criterion_met(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the alarm that a criterion of a rollback is met."""
    name = payload["criterion"]
    first = _ROLLBACK_COMMANDS.get(name, next_steps.HEALTH)
    return Outgoing(
        t(
            "notice-rollback-criterion",
            name=name,
            id=str(payload["incident_id"]),
            value=str(payload["value"]),
            threshold=str(payload["threshold"]),
        )
        + "\n"
        + t("notice-rollback-command", name=name),
        rows(*next_steps.beside(t, first, next_steps.INCIDENTS)),
    )
