"""Define the tables of post jobs and of the checks of published posts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, Txn, enum_column


class PostJobStatus(StrEnum):
    """The status of a post job: what is known about the post in the channel."""

    QUEUED = "queued"
    """The post is certainly not in the channel."""
    SENDING = "sending"
    """A process is perhaps sending the post now."""
    UNCERTAIN = "uncertain"
    """It is unknown whether Telegram has published the post."""
    SUCCESS = "success"
    FAILED = "failed"
    """The job failed for good."""
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """The result of a check of a published post."""

    PRESENT = "present"
    ALTERED = "altered"
    """Somebody changed the post. The check has restored the post if possible."""
    GONE = "gone"
    STAYED = "stayed"
    """The post stayed until its promised end, and is now gone or altered."""
    UNKNOWN = "unknown"
    """Telegram gave no clear answer. This verdict never moves money."""


class AdPart(StrEnum):
    """A part of an ad that a check of the post compares."""

    BUTTON = "button"
    TEXT = "text"
    """The text or the caption of the post, with the formatting."""
    PREVIEW = "preview"
    """The text together with its link preview. Telegram does not say which of them was edited."""
    MEDIA = "media"


class Breach(StrEnum):
    """The way in which an owner broke a promise about a published post."""

    ALTERED = "altered"
    """The post was altered twice, or at an unknown time, or the bot cannot restore the post."""
    LOCKED_OUT = "locked_out"
    """The bot lost its rights in the channel for too long."""


class PostJob(Base):
    """The task of publishing the only post of one target (one purchase of a post in a channel)."""

    __tablename__ = "post_jobs"
    __table_args__ = (
        CheckConstraint("(status = 'success') <= (message_id IS NOT NULL)", name="success"),
        CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="lease",
        ),
        CheckConstraint(
            "other_message_ids = '{}' OR coalesce(message_id < ALL (other_message_ids), false)",
            name="other_message_ids",
        ),
        CheckConstraint("(breach IS NULL) = (breach_refund_at IS NULL)", name="breach_refund"),
        # In each channel, only one post may be sending or uncertain at a time. Otherwise nobody
        # could distinguish an uncertain post from the bot's other posts.
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
            "ix_post_jobs_channel_id_message_id",
            "channel_id",
            "message_id",
            postgresql_where=text("message_id IS NOT NULL"),
        ),
        Index(
            "ix_post_jobs_albums",
            "channel_id",
            postgresql_where=text("other_message_ids <> '{}'"),
        ),
        Index(
            "ix_post_jobs_next_check",
            "next_check_at",
            postgresql_where=text("status IN ('uncertain', 'success')"),
        ),
        # The scheduler's queries do not read settled jobs (jobs whose escrow is released or
        # refunded), because there are many of them.
        Index(
            "ix_post_jobs_open_escalation",
            "escalate_at",
            postgresql_where=text("status IN ('uncertain', 'success') AND NOT settled"),
        ),
        Index(
            "ix_post_jobs_open_breach",
            "breach_refund_at",
            postgresql_where=text("breach IS NOT NULL AND status = 'success' AND NOT settled"),
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
    """The time before which the post is not sent."""
    claim_no: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the job's last claim, which grows with each claim.

    Only the process with this claim can change the job.
    """
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """When the lease ends, by the real clock."""
    unsent_claim_no: Mapped[int | None]
    """The number of a claim whose send has certainly not begun, or null."""
    abandoned: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of claims that ended without an outcome."""
    known_message_id: Mapped[int | None]
    """The highest known message id in the channel before the send. The post's id is higher."""
    search_above: Mapped[int | None]
    """The highest message id of the channel that a restored backup knew, or null.

    The post may be in the channel already, above this id. The bot searches before it sends.
    """
    first_absent_at: Mapped[datetime | None]
    """When a first search found that an uncertain post is not in the channel.

    A second, later search must prove this.
    """
    next_check_at: Mapped[datetime | None] = mapped_column(server_default=text("clock()"))
    """When the next search for the post, or the next check of the post, is due, or null."""
    check_began_at: Mapped[datetime | None]
    """When a check of the post without a recorded result began, or null."""
    escalate_at: Mapped[datetime | None]
    """When the bot asks the admins whether the post is in the channel."""
    breach: Mapped[Breach | None] = mapped_column(enum_column(Breach))
    """How the owner broke a promise about the post, or null."""
    breach_refund_at: Mapped[datetime | None]
    """When the scheduler refunds the escrow because of the breach, if no admin decides before."""
    offered_at: Mapped[datetime | None]
    """When an admin offered the advertiser to submit this failed placement again, or null."""
    settled: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the escrow is released or refunded. A trigger sets this value."""
    last_error: Mapped[str | None]
    message_id: Mapped[int | None]
    """The id of the post: of its first message if the ad is an album."""
    other_message_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'")
    )
    """The ids of an album's other messages, in the order of its items. Empty for other ads."""
    sent_at: Mapped[datetime | None]
    removed_message_id: Mapped[int | None]
    """The message id of the removed post, if its owner let the bot publish the post again, or null.

    A post is published again once at most, after a complaint (`republish_post`).
    """
    first_sent_at: Mapped[datetime | None]
    """When the removed post was published, or null."""
    updated_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    correlation_id: Mapped[CorrelationId]
    """The id of the approval. Each send, check and settlement has an id of its own."""


SEEN_BY_ADMIN = "an admin has seen it"
"""The evidence of a check, if an admin and not the bot has seen the post."""


class PostCheck(Base):
    """One check of a published post: its verdict and the evidence for the verdict."""

    __tablename__ = "post_checks"
    __table_args__ = (Index("ix_post_checks_post_job_id_checked_at", "post_job_id", "checked_at"),)

    id: Mapped[Key]
    post_job_id: Mapped[int] = mapped_column(ForeignKey("post_jobs.id"))
    verdict: Mapped[Verdict] = mapped_column(enum_column(Verdict))
    evidence: Mapped[str]
    """The answer that Telegram gave, without personal data."""
    altered_parts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The names of the parts that somebody had changed, as in `AdPart`."""
    compared: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the check compared the text. While posting is stopped, no check compares it."""
    checked_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))


class PublicationStatement(Base):
    """The statement of one admin that an uncertain post is at a message id of its channel.

    Two equal statements mark the post as published.
    """

    __tablename__ = "publication_statements"
    __table_args__ = (Index("ix_publication_statements_post_job_id", "post_job_id"),)

    id: Mapped[Key]
    post_job_id: Mapped[int] = mapped_column(ForeignKey("post_jobs.id"))
    claim_no: Mapped[int]
    """The number of the only claim for which the statement counts."""
    message_id: Mapped[int]
    stated_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
