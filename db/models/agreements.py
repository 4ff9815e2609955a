"""Define the tables of the answers to placements, of their versions, and of acceptance rules."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, enum_column
from db.models.campaigns import IS_ALBUM_WHOLE


class Answer(StrEnum):
    """An owner's answer to a submitted placement."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class PlacementAnswer(Base):
    """The only answer of a channel's owner to one version of a placement.

    Written by `answer_placement` alone.
    """

    __tablename__ = "placement_answers"
    __table_args__ = (
        CheckConstraint("answer = 'accepted' OR answered_by IS NOT NULL", name="answered_by"),
        UniqueConstraint(
            "campaign_target_id",
            "version",
            name="uq_placement_answers_campaign_target_id_version",
        ),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(ForeignKey("campaign_targets.id"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    answer: Mapped[Answer] = mapped_column(enum_column(Answer))
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The owner or a manager. Null if the owner's acceptance rule has answered."""
    reason: Mapped[str | None]
    """Why the owner declined, or null."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]


class PlacementVersion(Base):
    """A former version of a placement. Written by the trigger `new_version` alone."""

    __tablename__ = "placement_versions"
    __table_args__ = (CheckConstraint(IS_ALBUM_WHOLE, name="album"),)

    campaign_target_id: Mapped[int] = mapped_column(
        ForeignKey("campaign_targets.id"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    creative: Mapped[dict[str, Any]]
    price: Mapped[int]
    promised_hours: Mapped[int]
    hours_on_top: Mapped[int] = mapped_column(server_default=text("0"))
    ending: Mapped[str] = mapped_column(String(32), server_default="left")
    publish_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    """When the next version replaced this one."""
    correlation_id: Mapped[CorrelationId]


class Side(StrEnum):
    """The side that asks an advertiser for a change."""

    OWNER = "owner"
    MODERATOR = "moderator"


class ChangeRequest(Base):
    """A change of one version of a placement that an owner or a moderator asks for."""

    __tablename__ = "change_requests"
    __table_args__ = (
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("num_nonnulls(words, price, publish_at) = 1", name="content"),
        CheckConstraint(
            "num_nonnulls(promised_hours, hours_on_top, ending)"
            " = CASE WHEN ending IS NULL THEN 0 ELSE 3 END"
            " AND (ending IS NULL OR price IS NOT NULL)",
            name="format",
        ),
        Index("ix_change_requests_campaign_target_id_id", "campaign_target_id", "id"),
    )

    id: Mapped[Key]
    campaign_target_id: Mapped[int] = mapped_column(ForeignKey("campaign_targets.id"))
    version: Mapped[int]
    side: Mapped[Side] = mapped_column(enum_column(Side))
    asked_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    words: Mapped[str | None]
    """The wish in words, or the name of a preset (`bot.screens.wanted_changes.REASONS`)."""
    price: Mapped[int | None]
    """The wanted price in minor units."""
    publish_at: Mapped[datetime | None]
    """The wanted time of publication."""
    promised_hours: Mapped[int | None]
    hours_on_top: Mapped[int | None]
    ending: Mapped[str | None] = mapped_column(String(32))
    """The wanted format (`db.models.formats.Ending` and its hours), or null."""
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
    excluded_topics: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """The topics of ads about which the owner is asked. Then an ad without a topic is one too."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    correlation_id: Mapped[CorrelationId]
