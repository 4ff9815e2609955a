"""People, their staff roles, and what they did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, enum_column


class Role(StrEnum):
    """A staff role. Advertising and owning channels need none."""

    ADMIN = "admin"
    """Moderates, confirms money by hand, resolves doubtful posts."""
    OPERATOR = "operator"
    """Stops and runs parts of the product."""
    SUPER_ADMIN = "super_admin"
    """Both, and grants roles."""


class User(Base):
    """A Telegram user who has spoken to the bot. No name or phone is kept."""

    __tablename__ = "users"

    id: Mapped[Key]
    telegram_id: Mapped[int] = mapped_column(unique=True)
    language: Mapped[str] = mapped_column(server_default="en")
    language_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the person picked the language; until then it follows Telegram's."""
    time_zone: Mapped[str | None]
    """IANA name, asked at the first scheduling; null is shown as UTC and marked so."""
    blocked: Mapped[bool] = mapped_column(server_default=text("false"))
    """Set by staff: no new placement, no approval, no withdrawal."""
    created_at: Mapped[CreatedAt]


class UserRole(Base):
    """One staff role of one user."""

    __tablename__ = "user_roles"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Null when it came from SUPER_ADMIN_IDS at start."""
    created_at: Mapped[CreatedAt]


class UserAuditLog(Base):
    """One thing somebody did, or was refused. Append-only: the database refuses any change."""

    __tablename__ = "user_audit_logs"
    __table_args__ = (
        Index("ix_user_audit_logs_action_created_at", "action", "created_at"),
        Index("ix_user_audit_logs_created_at", "created_at"),
    )

    id: Mapped[Key]
    action: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    """The actor; null is the clock."""
    role: Mapped[str]
    """In which role the actor acted: advertiser, owner, admin, operator, super_admin, system."""
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    """Ids and words of the product only; never a person's text."""
    correlation_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class MovedChat(Base):
    """A group that became a supergroup: Telegram's `migrate_to_chat_id`, kept for every process."""

    __tablename__ = "moved_chats"

    old_chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    new_chat_id: Mapped[int]
    moved_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
