"""Define the tables of people, staff roles, staff requests, audit rows and changed chat ids."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, correlation_index, enum_column


class Role(StrEnum):
    """A staff role, which advertisers and owners of channels do not need."""

    ADMIN = "admin"
    """An admin decides about placements, withdrawals, corrections and missing posts."""
    OPERATOR = "operator"
    """An operator stops and runs the kill switches."""
    SUPER_ADMIN = "super_admin"
    """A super admin can do what an admin and an operator can do, and also grants roles."""


class User(Base):
    """A Telegram user who has used the bot, without a name and a phone number."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_testers", "id", postgresql_where=text("is_tester")),)

    id: Mapped[Key]
    telegram_id: Mapped[int] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(server_default="en")
    language_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the person chose the language."""
    time_zone: Mapped[str | None]
    """The IANA name of the person's time zone. Null means UTC."""
    blocked: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the person is forbidden to buy, sell, pay in or withdraw."""
    is_tester: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether no report counts the person's campaigns, placements and deposits."""
    missed_at: Mapped[datetime | None]
    """When a message to the person was given up. Null after the person has returned."""
    created_at: Mapped[CreatedAt]


class UserRole(Base):
    """A staff role that one user has."""

    __tablename__ = "user_roles"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The user who granted the role. Null means the setting SUPER_ADMIN_IDS."""
    created_at: Mapped[CreatedAt]


class RequestKind(StrEnum):
    """The act that a staff request asks for."""

    RUN_SWITCH = "run_switch"
    BLOCK = "block"
    UNBLOCK = "unblock"
    RETRY_PAYMENT = "retry_payment"
    CORRECTION = "correction"
    """Propose a correction."""
    GRANT_ROLE = "grant_role"
    REVOKE_ROLE = "revoke_role"
    RECORD_PAYMENT = "record_payment"
    """Record a payment of an unapproved, paid or returned withdrawal."""
    CLAWBACK = "clawback"
    """Take back a deposit whose payer has reversed the payment."""
    BLOCK_STAFF = "block_staff"
    """Block a person who has a staff role."""
    UNBLOCK_STAFF = "unblock_staff"
    REPAIR = "repair"
    """Apply a confirmed correction with the database owner's role."""
    MARK_TESTER = "mark_tester"
    """Mark a person as a tester (no report counts the person's acts)."""
    UNMARK_TESTER = "unmark_tester"
    CLEAN_UP_TESTER = "clean_up_tester"
    """Cancel a tester's campaigns, delete the drafts, and ask to pay the tester's money back."""
    LAUNCH = "launch"
    """Check a phase of the launch from a shell."""


class RequestStatus(StrEnum):
    """The status of a staff request."""

    PROPOSED = "proposed"
    """The request waits for the requester's press of "That was me", or for a second person."""
    DONE = "done"
    DROPPED = "dropped"


class StaffRequest(Base):
    """A request for an act of the staff, which needs a button press in the admin chat."""

    __tablename__ = "staff_requests"
    __table_args__ = (
        CheckConstraint(
            "status <> 'done' OR acknowledged AND CASE"
            " WHEN kind IN ('grant_role', 'revoke_role', 'record_payment', 'clawback',"
            " 'block_staff', 'unblock_staff', 'clean_up_tester')"
            " THEN decided_by <> requested_by AND decided_by IS DISTINCT FROM subject_id"
            " ELSE decided_by = requested_by END",
            name="two_people",
        ),
        CheckConstraint(
            "(status IN ('done', 'dropped')) = (decided_at IS NOT NULL)"
            " AND (status <> 'done' OR decided_by IS NOT NULL)",
            name="decided",
        ),
        Index(
            "ix_staff_requests_open",
            "id",
            postgresql_where=text("status = 'proposed'"),
        ),
        Index("ix_staff_requests_subject", "kind", "subject_id"),
    )

    id: Mapped[Key]
    kind: Mapped[RequestKind] = mapped_column(enum_column(RequestKind))
    status: Mapped[RequestStatus] = mapped_column(
        enum_column(RequestStatus), server_default="proposed"
    )
    arguments: Mapped[dict[str, Any]]
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person whom the act is about, or null. This person cannot confirm the request."""
    reason: Mapped[str]
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    acknowledged: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the requester made the request in the admin chat, or pressed "That was me" there."""
    # This is no foreign key: handled updates are deleted later.
    acknowledged_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the requester's command or button press."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person who carried out or dropped the request, or null."""
    decided_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the button press of `decided_by`."""
    decided_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]


class UserAuditLog(Base):
    """One action that a person or the system did, or that was refused to a person.

    Rows never change.
    """

    __tablename__ = "user_audit_logs"
    __table_args__ = (
        Index("ix_user_audit_logs_action_created_at", "action", "created_at"),
        Index("ix_user_audit_logs_created_at", "created_at"),
        correlation_index("user_audit_logs"),
        Index(
            "ix_user_audit_logs_origin_id",
            text("(metadata ->> 'origin_id')"),
            postgresql_using="hash",
        ),
    )

    id: Mapped[Key]
    action: Mapped[str]
    # This is no foreign key: a lock of the person's row could delay a stop.
    user_id: Mapped[int | None]
    """The id of the actor. Null means the system."""
    role: Mapped[str]
    """The role of the actor: advertiser, owner, admin, operator, super_admin or system."""
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    """The ids, amounts and words that describe the action, without personal data."""
    correlation_id: Mapped[CorrelationId]
    created_at: Mapped[CreatedAt]


class MovedChat(Base):
    """A group that became a supergroup, with its new chat id (Telegram's `migrate_to_chat_id`)."""

    __tablename__ = "moved_chats"

    __table_args__ = (
        Index(
            "uq_moved_chats_confirmed",
            "old_chat_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NOT NULL"),
        ),
    )

    old_chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    new_chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    moved_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The super admin who confirmed the move with a button press in the new chat."""
    confirmed_in: Mapped[int | None] = mapped_column(unique=True)
    """The inbox row with the button press of `confirmed_by`."""
    confirmed_at: Mapped[datetime | None]
    """When the move was confirmed. Before this time, the staff cannot act in the new chat."""
