"""The one post of a target, and the looks at it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column


class PostJobStatus(StrEnum):
    """Where the post stands."""

    QUEUED = "queued"
    """Surely not in the channel."""
    SENDING = "sending"
    """One worker holds the lease and may be sending it."""
    UNCERTAIN = "uncertain"
    """Telegram may or may not have published it: never sent again before it is known."""
    SUCCESS = "success"
    FAILED = "failed"
    """Refused, out of attempts, or removed from the channel: a dead letter."""
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """What a look at a live post found."""

    PRESENT = "present"
    ALTERED = "altered"
    """It had been changed; the look restored it."""
    GONE = "gone"
    UNKNOWN = "unknown"
    """Telegram did not say; it never moves money."""


class PostJob(Base):
    """The one post of one target."""

    __tablename__ = "post_jobs"
    __table_args__ = (
        CheckConstraint("(status = 'success') <= (message_id IS NOT NULL)", name="success"),
        CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="lease",
        ),
        # One at a time per channel: only so can an uncertain post be told from its neighbours.
        Index(
            "uq_post_jobs_channel_busy",
            "channel_id",
            unique=True,
            postgresql_where=text("status IN ('sending', 'uncertain')"),
        ),
        Index("ix_post_jobs_queued", "due_at", "id", postgresql_where=text("status = 'queued'")),
        Index("ix_post_jobs_sending", "lease_until", postgresql_where=text("status = 'sending'")),
        Index("ix_post_jobs_status_updated_at", "status", "updated_at"),
        Index(
            "ix_post_jobs_next_check",
            "next_check_at",
            postgresql_where=text("status IN ('uncertain', 'success')"),
        ),
        # What the clock looks for must not be looked for among what was settled long ago.
        Index(
            "ix_post_jobs_open_escalation",
            "escalate_at",
            postgresql_where=text("status IN ('uncertain', 'success') AND NOT settled"),
        ),
        Index(
            "ix_post_jobs_open_channel_id",
            "channel_id",
            postgresql_where=text("NOT settled"),
        ),
        Index(
            "ix_post_jobs_open_refund_due",
            "updated_at",
            postgresql_where=text("status IN ('failed', 'cancelled') AND NOT settled"),
        ),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), unique=True
    )
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    status: Mapped[PostJobStatus] = mapped_column(
        enum_column(PostJobStatus), server_default="queued"
    )
    due_at: Mapped[datetime]
    """Not before: publish_at at first, later the end of a backoff."""
    claim_no: Mapped[int] = mapped_column(server_default=text("0"))
    """Only grows; every write of a worker names the one that it holds."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """By the real clock, which the sandbox cannot move."""
    unsent_claim_no: Mapped[int | None]
    """The claim that has surely not begun to send; any other claim may have."""
    abandoned: Mapped[int] = mapped_column(server_default=text("0"))
    """How many workers were gone before they could say what became of it."""
    known_message_id: Mapped[int | None]
    """The channel's highest known message id right before the send: the post is above it."""
    first_absent_at: Mapped[datetime | None]
    """When an uncertain post was first looked for in vain; a second time, later, proves it."""
    next_check_at: Mapped[datetime | None] = mapped_column(server_default=text("clock()"))
    """When the post is looked for (uncertain) or looked at (success) next; null = no more."""
    escalate_at: Mapped[datetime | None]
    """When the admins are asked, if nobody knows by then whether it is there."""
    offered_at: Mapped[datetime | None]
    """When an admin offered this dead letter to its advertiser again."""
    settled: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its escrow is released or refunded; the database writes it with that."""
    last_error: Mapped[str | None]
    message_id: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]


class PostCheck(Base):
    """One look at a live post."""

    __tablename__ = "post_checks"
    __table_args__ = (Index("ix_post_checks_post_job_id_checked_at", "post_job_id", "checked_at"),)

    id: Mapped[Key]
    post_job_id: Mapped[int] = mapped_column(ForeignKey("post_jobs.id"))
    verdict: Mapped[Verdict] = mapped_column(enum_column(Verdict))
    evidence: Mapped[str]
    """Telegram's own words, without anything personal."""
    checked_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
