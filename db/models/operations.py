"""Define the tables of kill switches, outbox, inbox, leases, ledger checks and the audit chain."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Interval, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, correlation_index, enum_column


class Switch(StrEnum):
    """The name of a kill switch: the operations that a running switch allows.

    The members stand in the order in which people run stopped switches again. Lists of switches,
    the launch and `docs/runbook.md` have the same order.
    """

    DEPOSITS = "deposits"
    REFUNDS = "refunds"
    NEW_ESCROWS = "new_escrows"
    TELEGRAM_POSTING = "telegram_posting"
    WORKER_POST = "worker_post"
    PAYOUTS = "payouts"
    WITHDRAWALS = "withdrawals"
    ADJUSTMENTS = "adjustments"
    WORKER_WATCHDOGS = "worker_watchdogs"


class OutboxStatus(StrEnum):
    """The status of an outbox row."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class KillSwitch(Base):
    """A kill switch, which allows or forbids one kind of operation in all processes.

    A switch runs if `enabled` is true and no `SwitchStop` and no open incident stops it.
    """

    __tablename__ = "kill_switches"

    key: Mapped[Switch] = mapped_column(enum_column(Switch), primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    # This is no foreign key: a lock of the person's row could delay a stop.
    changed_by: Mapped[int | None]
    """The user who changed the switch. Null means the system."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    reason: Mapped[str]


class SwitchStop(Base):
    """A stop of a kill switch that is not yet written into the row of the switch."""

    __tablename__ = "switch_stops"
    __table_args__ = (Index(None, "key"),)

    id: Mapped[Key]
    key: Mapped[Switch] = mapped_column(enum_column(Switch))
    stopped_by: Mapped[int | None]
    """The user who stopped the switch. Null means the system."""
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]


class OutboxMessage(Base):
    """A message that has to be sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_queued",
            "priority",
            "due_at",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        correlation_index("outbox"),
        Index("ix_outbox_altered", "created_at", postgresql_where=text("kind = 'post_altered'")),
        Index(
            "ix_outbox_ended",
            text("coalesce(sent_at, due_at)"),
            postgresql_where=text("status IN ('sent', 'failed')"),
        ),
        Index(
            "ix_outbox_missed",
            "user_id",
            "id",
            postgresql_where=text("missed_at IS NOT NULL"),
        ),
        Index(
            "ix_outbox_answered",
            text("coalesce(sent_at, due_at)"),
            postgresql_where=text(
                "kind IN ('answer_lost', 'switch_answer_lost') AND status IN ('sent', 'failed')"
            ),
        ),
    )

    id: Mapped[Key]
    key: Mapped[str | None] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The receiver of the message. Null means the admin chat."""
    kind: Mapped[str]
    """The name of the screen that builds the text of the message."""
    payload: Mapped[dict[str, Any]]
    status: Mapped[OutboxStatus] = mapped_column(enum_column(OutboxStatus), server_default="queued")
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """When the message is due, or when its claim ends, by the real clock."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    message_id: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    """A lower number is sent first."""
    correlation_id: Mapped[CorrelationId]
    missed_at: Mapped[datetime | None]
    """When the message was given up. Null if it was not, or if its person has read a summary."""


class InboxUpdate(Base):
    """A stored update from Telegram."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index(
            "ix_inbox_open",
            "id",
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        Index(
            "ix_inbox_lane",
            "lane",
            "id",
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        correlation_index("inbox"),
        Index("ix_inbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("ix_inbox_failed_at", "failed_at", postgresql_where=text("failed_at IS NOT NULL")),
        CheckConstraint("done_at IS NULL OR failed_at IS NULL", name="ended_once"),
    )

    id: Mapped[Key]
    update_id: Mapped[int] = mapped_column(unique=True)
    lane: Mapped[int]
    """Usually the id of the chat. Updates with the same lane are handled in order."""
    payload: Mapped[dict[str, Any] | None]
    """The update as Telegram sent it. Null after the update is handled."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of times that a process has begun to handle the update."""
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    correlation_id: Mapped[str | None]
    """The id of the last attempt, which is the support number that the person reads."""


class Lease(Base):
    """A right that only one process has at a time."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    epoch: Mapped[int] = mapped_column(server_default=text("1"))
    """A number that grows with each new owner of the lease."""
    held_until: Mapped[datetime]
    """When the lease ends, by the real clock."""


class Heartbeat(Base):
    """The time at which a process last showed that it is alive."""

    __tablename__ = "heartbeats"

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    beat_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """The time of the last heartbeat, by the real clock."""
    loop_lag: Mapped[float] = mapped_column(server_default=text("0"))
    """The longest delay of the process's event loop before this heartbeat, in seconds."""
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """The counts of the process for the last minutes, by name."""


class Alert(Base):
    """The state of one alert, which is firing while its condition is met."""

    __tablename__ = "alerts"
    __table_args__ = (CheckConstraint("watcher IN ('bot', 'scheduler')", name="watcher"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    """The name of the condition, as in `services/platform/alert_conditions.py`."""
    watcher: Mapped[str] = mapped_column(primary_key=True)
    """The kind of process that watches the condition."""
    firing: Mapped[bool]
    """Whether the condition was met when it was last checked."""
    value: Mapped[float]
    """The number that was compared with the limit at the last change."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """When `firing` last changed, by the real clock."""
    in_chat: Mapped[bool]
    """Whether the message about the last change is in the admin chat, or is queued to it."""
    sent_out: Mapped[bool]
    """Whether the alert routes (a web address and an e-mail) have taken the last change."""


class LedgerCheckpoint(Base):
    """The result of one run of the ledger check. Rows never change. Only old ones are deleted."""

    __tablename__ = "ledger_checkpoints"
    __table_args__ = (
        Index(
            "ix_ledger_checkpoints_passed",
            "created_at",
            postgresql_where=text("violations = 0"),
        ),
    )

    id: Mapped[Key]
    violations: Mapped[int]
    """The number of broken invariants (rules that all rows must obey)."""
    details: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any] | None]
    """The point at which the next run begins. Null if this run found violations."""
    full_since: Mapped[datetime | None]
    """When a check of all rows without violations began, otherwise null."""
    created_at: Mapped[CreatedAt]


class Incident(Base):
    """A fault of the ledger or of the audit chain, or an outage of Telegram.

    The incident is open if `closed_at` is null.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        # While an incident is open, the same fault opens no second one.
        Index(
            "uq_incidents_open",
            "kind",
            "fingerprint",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    details: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    fingerprint: Mapped[str] = mapped_column(server_default=text("''"))
    """A digest of what the fault is about, without facts that change while the fault remains."""
    closed_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the button press of `closed_by`."""
    correlation_id: Mapped[CorrelationId]


class LaunchRun(Base):
    """The result of one check of the launch, or one signature. Rows never change."""

    __tablename__ = "launch_runs"
    __table_args__ = (
        # A check passes once.
        Index("uq_launch_runs_passed", "step", unique=True, postgresql_where=text("passed")),
    )

    id: Mapped[Key]
    phase: Mapped[int]
    step: Mapped[str]
    passed: Mapped[bool]
    evidence: Mapped[dict[str, Any]]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    inbox_id: Mapped[int | None]
    """The inbox row with the press or command of `user_id`. Null for a command in a shell."""


class FailureKind(StrEnum):
    """A kind of failure that is counted for the criteria of a rollback or for an alert."""

    CONFLICT = "conflict"
    DEADLOCK = "deadlock"
    APPROVE_TIMEOUT = "approve_timeout"
    CLICKS_LOST = "clicks_lost"
    """A click that the redirect could not count. Only `count_lost_clicks` counts it."""


class FailureCount(Base):
    """How often one kind of failure happened within one minute, in all processes."""

    __tablename__ = "failure_counts"
    __table_args__ = (CheckConstraint("occurred > 0", name="positive"),)

    kind: Mapped[FailureKind] = mapped_column(enum_column(FailureKind), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    """The start of the minute, by the real clock."""
    occurred: Mapped[int]


class ClockShift(Base):
    """How far `clock()` is ahead of the real time, in a table with one row."""

    __tablename__ = "clock_shift"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint(
            "shift >= interval '0' AND (allowed OR shift = interval '0')", name="shift"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shift: Mapped[Any] = mapped_column(Interval, server_default=text("interval '0'"))
    allowed: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the shift can be more than zero: never in production."""


class AuditChainFile(Base):
    """The last link that was written to one file of the audit chain."""

    __tablename__ = "audit_chain_files"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The name that is written in the file. For an older file, its machine and its path."""
    last_number: Mapped[int]
    """The number of the last link in the file, which never becomes smaller. 0: not begun yet."""
    written_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """When a process last wrote to the file or found it complete, by the real clock."""
    # This is no foreign key: a lock of the person's row could delay a tick.
    added_by: Mapped[int | None]
    """The operator who allowed the file. Null means the system."""


class AuditChainLink(Base):
    """A link of the audit chain: the digest of one range of ledger entries. Rows never change."""

    __tablename__ = "audit_chain_links"
    __table_args__ = (CheckConstraint("from_txn < upto_txn", name="range"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_txn: Mapped[int]
    upto_txn: Mapped[int]
    """The transaction number at which the next range starts."""
    entries: Mapped[int]
    digest: Mapped[str]
    """The SHA-256 digest of the link, in hexadecimal."""
    created_at: Mapped[CreatedAt]
