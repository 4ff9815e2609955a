"""Show the facts that the scheduler has read from the database as metrics."""

import math

from prometheus_client import Gauge

from db.models.operations import Switch
from services.platform import heartbeats
from services.platform.operation_facts import Facts

_DESCRIPTIONS = {
    "inbox_open": "Updates that wait for a handler (at most 10,000 are counted)",
    "inbox_oldest_seconds": "Age of the oldest update that waits for a handler",
    "outbox_queued": "Messages that wait to be sent (at most 10,000 are counted)",
    "outbox_oldest_seconds": "Age of the oldest message that waits to be sent",
    "alarms_oldest_seconds": "Age of the oldest alarm that waits to be sent",
    "posts_uncertain": "Posts that may or may not be in their channels",
    "posts_sending": "Posts that are being sent",
    "posts_late_seconds": "How long the oldest queued post is due",
    "dead_letters": "Posts that failed for good in the last hour",
    "refunds_late": "Failed or cancelled posts whose escrow is held for over two minutes",
    "payout_waits_oldest_seconds": "Age of the oldest wait of payouts for an admin's decision",
    "returns_oldest_seconds": "Age of the oldest deposit that is being given back",
    "escrows_held": "Escrows that hold money",
    "escrows_late": "Escrows that hold money without a published post longer than ESCROW_SLA",
    "ledger_incidents": "Open incidents about the ledger",
    "audit_chain_incidents": "Open incidents about the audit chain",
    "telegram_incidents": "Open outages of Telegram",
    "ledger_check_age_seconds": "Time since the last check of the ledger",
    "ledger_violations": "Broken invariants that the last check of the ledger found",
    "clicks_lost_recently": "Clicks that could not be counted, stored in the last 10 minutes",
    "switches_missing": "Kill switches without a row",
    "bots_missing": "Whether no bot has a heartbeat",
    "scheduler_loop_lag_seconds": "Longest lag of a scheduler's event loop before its heartbeat",
}
_GAUGES = {name: Gauge(f"adtech_{name}", text) for name, text in _DESCRIPTIONS.items()}
_MONEY_HELD = Gauge("adtech_money_held_minor_units", "Money in escrow", ["currency"])
_WITHDRAWALS = Gauge("adtech_withdrawals_waiting", "Withdrawals that wait, by status", ["status"])
_SWITCHES = Gauge("adtech_switch_running", "Whether a kill switch is running", ["switch"])
_PROCESSES = Gauge("adtech_processes_alive", "Processes with a recent heartbeat", ["process"])


def show(facts: Facts) -> None:
    """Set every gauge to what was read."""
    for name, gauge in _GAUGES.items():
        gauge.set(facts.numbers[name])
    # A currency whose last escrow was settled has no row.
    _MONEY_HELD.clear()
    for currency, amount in facts.money_held.items():
        _MONEY_HELD.labels(currency).set(amount)
    for status, count in facts.withdrawals.items():
        _WITHDRAWALS.labels(status).set(count)
    for switch, running in facts.switches.items():
        _SWITCHES.labels(switch).set(running)
    for process, count in facts.processes.items():
        _PROCESSES.labels(process).set(count)


def forget() -> None:
    """Set every gauge to NaN, because nothing could be read."""
    for gauge in _GAUGES.values():
        gauge.set(math.nan)
    _MONEY_HELD.clear()
    for status in ("requested", "approved"):
        _WITHDRAWALS.labels(status).set(math.nan)
    for switch in Switch:
        _SWITCHES.labels(switch.value).set(math.nan)
    for process in (heartbeats.BOT, heartbeats.SCHEDULER):
        _PROCESSES.labels(process).set(math.nan)


forget()
