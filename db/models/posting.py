"""Define the tables of post jobs and of the checks of published posts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column


class PostJobStatus(StrEnum):
    """The status of a post job. The status says what is known about the post in the channel."""

    QUEUED = "queued"
    """The post is certainly not in the channel."""
    SENDING = "sending"
    """One process has the lease, and this process may be sending the post now."""
    UNCERTAIN = "uncertain"
    """Telegram may have published the post. The post is sent again only if it is found absent."""
    SUCCESS = "success"
    FAILED = "failed"
    """Telegram refused the post, or it was removed, or all attempts failed, or it came too late.

    The job is then a dead letter, that is, a job that failed for good.
    """
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """The result of a check of a published post."""

    PRESENT = "present"
    ALTERED = "altered"
    """The post had been changed. The check has restored it if this was possible."""
    GONE = "gone"
    STAYED = "stayed"
    """The post is gone or altered after its promised hours, but was present right before their end.

    The promised hours are the time that the post must stay. After them, the owner of the channel
    may remove or change the post.
    """
    UNKNOWN = "unknown"
    """Telegram gave no clear answer about the post. This verdict never moves money."""


class AdPart(StrEnum):
    """A part of an ad that a check compares."""

    BUTTON = "button"
    TEXT = "text"
    """The text or the caption, with its formatting."""
    MEDIA = "media"
    """The picture, video or GIF."""


class Breach(StrEnum):
    """How an owner of a channel broke a promise about a published post.

    The escrow stays held until an admin decides. If no admin decides in time, the scheduler refunds
    the escrow.
    """

    ALTERED = "altered"
    """The post was altered twice, or at an unknown time, or so that the bot cannot restore it."""
    LOCKED_OUT = "locked_out"
    """The bot lost its rights in the channel within the promised hours, and not only for a short
    time."""


class PostJob(Base):
    """The task of publishing the only post of one target (a purchase of a post in a channel)."""

    __tablename__ = "post_jobs"
    __table_args__ = (
        CheckConstraint("(status = 'success') <= (message_id IS NOT NULL)", name="success"),
        CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="lease",
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
    """The post is not sent before this time. It is `publish_at`, or after a failed attempt the end
    of the pause."""
    claim_no: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the job's last claim. It increases with each claim.

    A process can change the job only while its own claim has this number.
    """
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """When the lease ends, by the real clock. The sandbox cannot move the real clock."""
    unsent_claim_no: Mapped[int | None]
    """The number of the claim whose send has certainly not begun, or null.

    If this number is not `claim_no`, the send of the last claim may have begun.
    """
    abandoned: Mapped[int] = mapped_column(server_default=text("0"))
    """How many claims of the job ended without an outcome, because the worker's lease ran out."""
    known_message_id: Mapped[int | None]
    """The highest message id known in the channel right before the send. The post's id is higher.
    """
    first_absent_at: Mapped[datetime | None]
    """When a search for an uncertain post first found that the post is not in the channel.

    Only a second, later search proves that the post is absent.
    """
    next_check_at: Mapped[datetime | None] = mapped_column(server_default=text("clock()"))
    """When the next search for an uncertain post, or the next check of a published post, is due.

    Null means never.
    """
    check_began_at: Mapped[datetime | None]
    """When a check of the post began whose result is not recorded yet. Otherwise null.

    If the process of this check died, the check may have restored the post without a record.
    """
    escalate_at: Mapped[datetime | None]
    """When the bot asks the admins, if it is still unknown whether the post is in the channel.

    If the bot loses its rights in the channel, this time only ever becomes earlier.
    """
    breach: Mapped[Breach | None] = mapped_column(enum_column(Breach))
    """How the owner broke a promise about the post, or null. With a breach, nobody is paid."""
    breach_refund_at: Mapped[datetime | None]
    """When the escrow is refunded because of the breach, if no admin decides before."""
    offered_at: Mapped[datetime | None]
    """When an admin offered the advertiser to submit the placement of this failed job again."""
    settled: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the escrow is released or refunded. A trigger sets this with the escrow's status."""
    last_error: Mapped[str | None]
    message_id: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]


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
    """The parts of the post that had been changed, as `AdPart` names them."""
    compared: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the text was compared. A check compares only the button while posting is stopped."""
    checked_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))


class PublicationStatement(Base):
    """The statement of one admin that an uncertain post is at a message id of its channel.

    After two admins have stated the same, the post is recorded as published. Rows are only added.
    """

    __tablename__ = "publication_statements"
    __table_args__ = (Index("ix_publication_statements_post_job_id", "post_job_id"),)

    id: Mapped[Key]
    post_job_id: Mapped[int] = mapped_column(ForeignKey("post_jobs.id"))
    claim_no: Mapped[int]
    """The number of the job's claim when the admin was asked.

    If the job has another claim now, the statement does not count any more.
    """
    message_id: Mapped[int]
    stated_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
