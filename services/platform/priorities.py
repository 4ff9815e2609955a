"""Define which messages of the outbox are delivered first."""

from collections.abc import Mapping
from enum import IntEnum


class Priority(IntEnum):
    """The priority of a message: a lower number is delivered first."""

    ALARM = 0
    """The staff must read the message immediately."""
    RESULT = 1
    """The message says what happened to the receiver's money, or what an act has caused."""
    CARD = 2
    """The message asks for a decision that can wait, or copies a digest of the audit chain."""


_PRIORITIES: Mapping[str, Priority] = {
    "ledger_violation": Priority.ALARM,
    "alert_firing": Priority.ALARM,
    "alert_resolved": Priority.ALARM,
    "audit_chain_broken": Priority.ALARM,
    "backup_restored": Priority.ALARM,
    "guard_missing": Priority.ALARM,
    "schema_differs": Priority.ALARM,
    "audit_chain_file_added": Priority.ALARM,
    "rollback_criterion": Priority.ALARM,
    "switch_changed": Priority.ALARM,
    "staff_blocked": Priority.ALARM,
    "switch_answer_lost": Priority.ALARM,
    "payment_parked": Priority.ALARM,
    "escrow_watchdog": Priority.ALARM,
    "telegram_down": Priority.ALARM,
    "telegram_back": Priority.ALARM,
    "deposit_clawed_back": Priority.ALARM,
    "excess_payment": Priority.ALARM,
    "role_reconciled": Priority.ALARM,
    "admin_chat_moved": Priority.ALARM,
    "target_submitted": Priority.CARD,
    "ad_offered": Priority.CARD,
    "ad_offered_to_manager": Priority.CARD,
    "owner_unreachable": Priority.CARD,
    "payouts_wait": Priority.CARD,
    "channel_timer_short": Priority.CARD,
    "complaint_staff": Priority.CARD,
    "post_uncertain": Priority.CARD,
    "post_unseen": Priority.CARD,
    "retry_offered": Priority.CARD,
    "audit_chain_extended": Priority.CARD,
    "updates_parked": Priority.CARD,
    "posts_altered": Priority.CARD,
}

ALARMS_OF_PEOPLE = frozenset({"deposit_clawed_back"})
"""The kinds of alarms of which anybody who pays can cause any number."""


def priority_of(kind: str) -> Priority:
    """Return the priority of a kind of message, which is RESULT for an unknown kind."""
    return _PRIORITIES.get(kind, Priority.RESULT)
