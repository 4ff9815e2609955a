"""Switches, queues to and from Telegram, leases, and proof that checks ran."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Interval, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, enum_column


class Switch(StrEnum):
    """A kill switch, named after what it lets through."""

    NEW_ESCROWS = "new_escrows"
    PAYOUTS = "payouts"
    REFUNDS = "refunds"
    DEPOSITS = "deposits"
    WITHDRAWALS = "withdrawals"
    TELEGRAM_POSTING = "telegram_posting"
    WORKER_POST = "worker_post"
    WORKER_WATCHDOGS = "worker_watchdogs"


class OutboxStatus(StrEnum):
    """Where an owed message stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class KillSwitch(Base):
    """One switch. A missing row counts as stopped."""

    __tablename__ = "kill_switches"

    key: Mapped[Switch] = mapped_column(enum_column(Switch), primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Null is the system: the first migration, or an automatic freeze."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    reason: Mapped[str]


class OutboxMessage(Base):
    """A message owed to somebody, written in the transaction that causes it."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_queued", "due_at", "id", postgresql_where=text("status = 'queued'")),
    )

    id: Mapped[Key]
    key: Mapped[str | None] = mapped_column(unique=True)
    """The same message is owed once, however often its cause repeats."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """To whom; null is the admin chat."""
    kind: Mapped[str]
    """Which screen shows it."""
    payload: Mapped[dict[str, Any]]
    """What the screen needs: ids and amounts; texts are read when it is sent."""
    status: Mapped[OutboxStatus] = mapped_column(enum_column(OutboxStatus), server_default="queued")
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """Not before, by the real clock: also the lease of who is sending it."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None]
    message_id: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class InboxUpdate(Base):
    """An update received from Telegram, kept until it was handled."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index(
            "ix_inbox_open",
            "id",
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        Index("ix_inbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("ix_inbox_failed_at", "failed_at", postgresql_where=text("failed_at IS NOT NULL")),
        CheckConstraint("done_at IS NULL OR failed_at IS NULL", name="ended_once"),
    )

    id: Mapped[Key]
    update_id: Mapped[int] = mapped_column(unique=True)
    lane: Mapped[int]
    """The chat it belongs to: updates of one lane are handled in order."""
    payload: Mapped[dict[str, Any] | None]
    """The raw update; emptied when it is done."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    """Counted when it is taken, so that an update that kills the process is parked."""
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Lease(Base):
    """Something that one process at a time does, for example long polling."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    epoch: Mapped[int] = mapped_column(server_default=text("1"))
    """Grows with each new holder."""
    held_until: Mapped[datetime]
    """By the real clock."""


class Heartbeat(Base):
    """A process of the clock that is alive."""

    __tablename__ = "heartbeats"

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    beat_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    """By the real clock."""


class LedgerCheckpoint(Base):
    """One run of the ledger's check."""

    __tablename__ = "ledger_checkpoints"

    id: Mapped[Key]
    violations: Mapped[int]
    """How many invariants were broken; 0 is a clean ledger."""
    details: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any] | None]
    """Where the next run goes on; null of a run that found something: it is looked at again."""
    full_since: Mapped[datetime | None]
    """When this check began, if it has looked at everything and found nothing."""
    created_at: Mapped[CreatedAt]


class Incident(Base):
    """Something that must not happen did."""

    __tablename__ = "incidents"
    __table_args__ = (
        # The same trouble, seen again while it lasts, is one incident.
        Index(
            "uq_incidents_open",
            "kind",
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


class LaunchRun(Base):
    """One step of the launch gate, as it was seen."""

    __tablename__ = "launch_runs"

    id: Mapped[Key]
    phase: Mapped[int]
    step: Mapped[str]
    passed: Mapped[bool]
    evidence: Mapped[dict[str, Any]]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]


class ClockShift(Base):
    """How far `clock()` runs ahead. One row; only the owner's role may change it."""

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
    """Set by the sandbox on a database of its own; never in production."""


class AuditChainLink(Base):
    """A range of the ledger that never changes any more, and its digest. Append-only.

    The digest covers the one before, so that the last one stands for everything.
    """

    __tablename__ = "audit_chain_links"
    __table_args__ = (CheckConstraint("from_txn < upto_txn", name="range"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_txn: Mapped[int]
    """The first transaction of the range; the first range has no beginning."""
    upto_txn: Mapped[int]
    """The first transaction behind the range: the next range's first."""
    entries: Mapped[int]
    digest: Mapped[str]
    """SHA-256, hexadecimal."""
    created_at: Mapped[CreatedAt]
