"""Define the tables of the complaints about published posts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, Txn, enum_column


class ComplaintKind(StrEnum):
    """The subject of a complaint."""

    WRONG = "wrong"
    """The text or a link of the post is not what was agreed to."""
    REMOVED = "removed"
    COVERED = "covered"
    """The post was not on top for the agreed hours."""
    OTHER = "other"
    """The advertiser describes the problem in own words."""


class ComplaintStatus(StrEnum):
    """The status of a complaint. The escrow is frozen until the complaint is closed."""

    ASKED = "asked"
    """The owner is asked to correct the post, or to answer."""
    CORRECTING = "correcting"
    """The bot corrects the post, or publishes it again, because its owner wants this."""
    ANSWERED = "answered"
    """The advertiser is asked whether the answer or the correction is enough."""
    DISPUTED = "disputed"
    """The staff are asked for a decision."""
    DECIDED = "decided"
    """The decision takes effect when the time for an appeal is over."""
    APPEALED = "appealed"
    """A super admin is asked for the last decision."""
    CLOSED = "closed"


class Outcome(StrEnum):
    """The reason for which a complaint is closed."""

    SATISFIED = "satisfied"
    """The advertiser has no complaint any more."""
    SILENT = "silent"
    """The advertiser has not answered in time. The release goes on."""
    UNANSWERED = "unanswered"
    """The staff have not decided in time. The release goes on if the checks prove the post."""
    ABSORBED = "absorbed"
    """The bot itself found a breach, or the post failed. That question is decided instead."""
    RELEASED = "released"
    REFUNDED = "refunded"
    SPLIT = "split"


DECISIONS = frozenset({Outcome.RELEASED, Outcome.REFUNDED, Outcome.SPLIT})
"""The outcomes that somebody has decided. No complaint about the same placement follows them."""
MOST_COMPLAINTS = 2
"""A placement has at most this many complaints."""


class StepKind(StrEnum):
    """The kind of a step of a complaint, which a person took or which the time ended."""

    OPENED = "opened"
    ANSWERED = "answered"
    CORRECTING = "correcting"
    CORRECTED = "corrected"
    GONE = "gone"
    """The checks have proven that the post is gone, and the owner may publish it again."""
    REPUBLISHING = "republishing"
    """The owner lets the bot publish the removed post again."""
    REPUBLISHED = "republished"
    SATISFIED = "satisfied"
    DISPUTED = "disputed"
    DECIDED = "decided"
    ACCEPTED = "accepted"
    APPEALED = "appealed"
    TIMED_OUT = "timed_out"
    REMINDED = "reminded"
    ABSORBED = "absorbed"
    ENDED = "ended"
    """A decision has taken effect."""


class Complaint(Base):
    """The complaint of an advertiser about one published post.

    Only database functions write rows (`open_complaint`, `take_complaint_step`,
    `republish_post`, `end_complaint_step`).
    """

    __tablename__ = "complaints"
    __table_args__ = (
        UniqueConstraint("campaign_target_id", "number"),
        CheckConstraint("number BETWEEN 1 AND 2", name="number"),
        CheckConstraint("owner_percent BETWEEN 0 AND 100", name="owner_percent"),
        CheckConstraint("kind <> 'other' OR words IS NOT NULL", name="words"),
        CheckConstraint(
            "(status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (due_at IS NULL)"
            " AND (status = 'closed') = (closed_at IS NOT NULL)",
            name="closed",
        ),
        CheckConstraint(
            "(owner_percent IS NULL) = (decided_by IS NULL)"
            " AND (status NOT IN ('decided', 'appealed') OR owner_percent IS NOT NULL)",
            name="decided",
        ),
        # One question about an escrow at a time.
        Index(
            "uq_complaints_open",
            "campaign_target_id",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
        Index("ix_complaints_due_at", "due_at", postgresql_where=text("status <> 'closed'")),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(ForeignKey("campaign_targets.id"))
    number: Mapped[int]
    """1 for the first complaint about a placement, and 2 for the second one."""
    kind: Mapped[ComplaintKind] = mapped_column(enum_column(ComplaintKind))
    words: Mapped[str | None]
    """The advertiser's own words, or null."""
    status: Mapped[ComplaintStatus] = mapped_column(
        enum_column(ComplaintStatus), server_default="asked"
    )
    due_at: Mapped[datetime | None]
    """When the present step ends without an answer, or null for a closed complaint."""
    told_again: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the staff were told a second time that they are asked."""
    owner_percent: Mapped[int | None]
    """The owner's part by the present decision: 100 is a release, 0 a refund. Null: undecided."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    appealed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    owner_accepts: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the owner gives up the appeal."""
    advertiser_accepts: Mapped[bool] = mapped_column(server_default=text("false"))
    outcome: Mapped[Outcome | None] = mapped_column(enum_column(Outcome))
    closed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    correlation_id: Mapped[CorrelationId]


class ComplaintStep(Base):
    """One step of a complaint. Rows never change."""

    __tablename__ = "complaint_steps"
    __table_args__ = (Index("ix_complaint_steps_complaint_id_id", "complaint_id", "id"),)

    id: Mapped[Key]
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaints.id"))
    kind: Mapped[StepKind] = mapped_column(enum_column(StepKind))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The person who took the step. Null means the system."""
    words: Mapped[str | None]
    owner_percent: Mapped[int | None]
    """The owner's part by a decision, in per cent, or null."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
