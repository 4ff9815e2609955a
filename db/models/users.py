"""Tables of people, their staff roles, their audit log, and moved chats."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, enum_column


class Role(StrEnum):
    """A staff role. Advertisers and owners of channels need none."""

    ADMIN = "admin"
    """Moderates, decides on withdrawals and corrections, and resolves uncertain posts."""
    OPERATOR = "operator"
    """Stops and runs the kill switches."""
    SUPER_ADMIN = "super_admin"
    """Has the rights of both other roles, and grants roles."""


class User(Base):
    """A Telegram user who has used the bot. No name and no phone number is stored."""

    __tablename__ = "users"

    id: Mapped[Key]
    telegram_id: Mapped[int] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(server_default="en")
    language_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the person chose the language; if not, it follows the language of Telegram."""
    time_zone: Mapped[str | None]
    """The IANA name, asked for at the first scheduling; with null, times are shown in UTC."""
    blocked: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the person is blocked: no new target, no approval and no withdrawal is allowed."""
    created_at: Mapped[CreatedAt]


class UserRole(Base):
    """A staff role that one user has."""

    __tablename__ = "user_roles"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Who granted the role; null if it came from SUPER_ADMIN_IDS at start."""
    created_at: Mapped[CreatedAt]


class UserAuditLog(Base):
    """One action that somebody did or was refused. The database refuses every change of a row."""

    __tablename__ = "user_audit_logs"
    __table_args__ = (
        Index("ix_user_audit_logs_action_created_at", "action", "created_at"),
        Index("ix_user_audit_logs_created_at", "created_at"),
    )

    id: Mapped[Key]
    action: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    """The actor; null is the system."""
    role: Mapped[str]
    """The role of the actor: advertiser, owner, admin, operator, super_admin or system."""
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    """Ids and codes only; never a text that a person wrote."""
    correlation_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class MovedChat(Base):
    """A group that became a supergroup, with its new id (`migrate_to_chat_id` of Telegram)."""

    __tablename__ = "moved_chats"

    old_chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    new_chat_id: Mapped[int]
    moved_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
