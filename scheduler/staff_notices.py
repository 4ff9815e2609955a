"""Render the messages of the outbox for the staff."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.screens import admin_chat as admin_chat_screens
from bot.screens import alerts as alert_screens
from bot.screens import daily_report as daily_report_screens
from bot.screens import launch as launch_screens
from bot.screens import notices as screens
from bot.screens import staff_requests as staff_request_screens
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from services.market import staff_requests
from services.platform import daily_report, killswitches

Payload = Mapping[str, Any]
Render = Callable[[AsyncSession, Texts, Payload], Awaitable[Outgoing]]


async def _telegram_down(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.telegram_down(t, payload["incident_id"])


async def _telegram_back(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.telegram_back(t, payload["incident_id"], payload["minutes"])


async def _payment_parked(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.payment_parked(t, payload["inbox_id"], payload["error"])


async def _updates_parked(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.updates_parked(t, payload["error"])


async def _alert_firing(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return alert_screens.firing(t, payload["name"])


async def _alert_resolved(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return alert_screens.resolved(t, payload["name"], payload["minutes"])


async def _ledger_violation(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.ledger_violation(t, payload["incident_id"], payload["violations"])


async def _rollback_criterion(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return launch_screens.criterion_met(t, payload)


async def _backup_restored(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.backup_restored(
        t,
        payload["incident_id"],
        searched=payload["searched"],
        parked=payload["parked"],
        withdrawals=payload["withdrawals"],
    )


async def _guard_missing(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.schema_differs(t, payload["incident_id"], payload["differences"], freezes=True)


async def _schema_differs(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.schema_differs(t, payload["incident_id"], payload["differences"], freezes=False)


async def _audit_chain_broken(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.audit_chain_broken(t, payload["incident_id"], payload["violations"])


async def _audit_chain_file_added(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.audit_chain_file_added(t, payload["file"], payload["user_id"])


async def _audit_chain_extended(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.audit_chain_extended(t, payload["number"], payload["digest"])


async def _daily_report(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    wrong = [daily_report.read_line(stored) for stored in payload["wrong"]]
    states = await killswitches.overview(session)
    stopped = [state.key.value for state in states if not state.enabled]
    return daily_report_screens.daily_report(t, payload["day"], payload["numbers"], wrong, stopped)


async def _escrow_watchdog(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.escrow_watchdog(
        t, payload["count"], payload["targets"], acting=payload["acting"]
    )


async def _correction_changed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.correction_changed(t, payload)


async def _staff_request_changed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    details = await staff_requests.get(session, payload["request_id"])
    return staff_request_screens.card(t, details)


async def _role_reconciled(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.role_reconciled(t, payload["telegram_id"], payload["change"])


async def _staff_blocked(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.staff_blocked(t, payload["telegram_id"], blocked=payload["blocked"])


async def _admin_chat_moved(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return admin_chat_screens.moved(t, payload["to"])


RENDER: Mapping[str, Render] = {
    "telegram_down": _telegram_down,
    "telegram_back": _telegram_back,
    "payment_parked": _payment_parked,
    "updates_parked": _updates_parked,
    "alert_firing": _alert_firing,
    "alert_resolved": _alert_resolved,
    "ledger_violation": _ledger_violation,
    "rollback_criterion": _rollback_criterion,
    "backup_restored": _backup_restored,
    "guard_missing": _guard_missing,
    "schema_differs": _schema_differs,
    "audit_chain_broken": _audit_chain_broken,
    "audit_chain_file_added": _audit_chain_file_added,
    "audit_chain_extended": _audit_chain_extended,
    "daily_report": _daily_report,
    "escrow_watchdog": _escrow_watchdog,
    "correction_changed": _correction_changed,
    "staff_request_changed": _staff_request_changed,
    "role_reconciled": _role_reconciled,
    "staff_blocked": _staff_blocked,
    "admin_chat_moved": _admin_chat_moved,
}
"""The screens by the kinds of the messages."""
