"""Define the table of the posts that the bot takes down after their promised hours."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, enum_column


class RemovalStatus(StrEnum):
    """The status of a removal (the deletion of a post whose owner was paid)."""

    PLANNED = "planned"
    DELETING = "deleting"
    """A process has claimed the removal, and may have asked Telegram to delete the post."""
    UNCERTAIN = "uncertain"
    """Telegram may or may not have deleted the post. The bot looks whether the post is there."""
    DONE = "done"
    REFUSED = "refused"
    """The bot cannot delete the post. Its owner is asked to do it."""


class Removal(Base):
    """The removal of one post. The trigger `plans_removal` of escrows makes the row."""

    __tablename__ = "removals"
    __table_args__ = (
        CheckConstraint(
            "(status = 'deleting') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="lease",
        ),
        Index(
            "ix_removals_due",
            "due_at",
            postgresql_where=text("status IN ('planned', 'uncertain')"),
        ),
        Index("ix_removals_deleting", "lease_until", postgresql_where=text("status = 'deleting'")),
    )

    id: Mapped[Key]
    post_job_id: Mapped[int] = mapped_column(ForeignKey("post_jobs.id"), unique=True)
    status: Mapped[RemovalStatus] = mapped_column(
        enum_column(RemovalStatus), server_default="planned"
    )
    due_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    """When the next try, or the next look at an uncertain removal, is due."""
    claim_no: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the last claim. Only the process with this claim records an outcome."""
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """When the lease ends, by the real clock."""
    last_error: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
