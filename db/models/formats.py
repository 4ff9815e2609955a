"""Define the table of the formats in which channels sell posts. Amounts are whole minor units."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, enum_column


class Ending(StrEnum):
    """The fate of a post after its promised hours."""

    REMOVED = "removed"
    """The bot takes the post down."""
    LEFT = "left"
    """The post stays, and the owner may take it down."""
    ENDLESS = "endless"
    """The owner does not take the post down. It is checked during the promised hours alone."""


REMOVABLE = "ending <> 'removed' OR promised_hours BETWEEN 1 AND 47"
"""The condition that the bot can take a post down after its promised hours.

Telegram lets a bot delete a post for 48 hours, and the check at the end of the hours comes first.
"""


class ChannelFormat(Base):
    """A kind of post that a channel sells, with its price. A new price is a new row."""

    __tablename__ = "channel_formats"
    __table_args__ = (
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("promised_hours >= 0", name="promised_hours"),
        CheckConstraint("hours_on_top BETWEEN 0 AND promised_hours", name="hours_on_top"),
        CheckConstraint(REMOVABLE, name="removable"),
        Index(
            "uq_channel_formats_present",
            "channel_id",
            "promised_hours",
            "hours_on_top",
            "ending",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
        Index("ix_channel_formats_channel_id", "channel_id"),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    price: Mapped[int]
    promised_hours: Mapped[int]
    """How many hours the post must stay before the owner is paid."""
    hours_on_top: Mapped[int] = mapped_column(server_default=text("0"))
    """How many hours, of the promised ones, no other post of the channel comes after it."""
    ending: Mapped[Ending] = mapped_column(enum_column(Ending), server_default="left")
    retired_at: Mapped[datetime | None]
    """When the channel stopped selling this format at this price, or null while it sells it."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
