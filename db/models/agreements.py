"""Define the tables of the owners' answers to placements, and of the rules that answer for them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, enum_column


class Answer(StrEnum):
    """An owner's answer to a submitted placement."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class PlacementAnswer(Base):
    """The only answer of a channel's owner to a placement. Written by `answer_placement` alone."""

    __tablename__ = "placement_answers"
    __table_args__ = (
        CheckConstraint("answer = 'accepted' OR answered_by IS NOT NULL", name="answered_by"),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(ForeignKey("campaign_targets.id"), unique=True)
    answer: Mapped[Answer] = mapped_column(enum_column(Answer))
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The owner or a manager. Null if the owner's acceptance rule has answered."""
    reason: Mapped[str | None]
    """Why the owner declined, or null."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]


class AcceptanceRule(Base):
    """A channel's rule that accepts placements without a question to the owner.

    Written by `set_acceptance_rule` alone. A channel without a row asks its owner each time.
    """

    __tablename__ = "acceptance_rules"
    __table_args__ = (
        CheckConstraint("least_kept >= 0", name="least_kept"),
        CheckConstraint("most_price >= 1", name="most_price"),
    )

    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """Whose rule it is. It does not count after another owner has taken over the channel."""
    least_kept: Mapped[int]
    """How many placements of the advertiser must have been paid for. 0 accepts everybody."""
    most_price: Mapped[int | None]
    """The highest price (minor units) that is accepted. Null accepts each price."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    correlation_id: Mapped[CorrelationId]
