"""Define the table of waits: releases to an owner who is not a channel's creator any more."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, Key


class PayoutWait(Base):
    """A wait of all releases to one owner for posts in one channel.

    It begins when Telegram names another creator, and ends by an admin, or when Telegram names the
    owner again. An ended row never changes.
    """

    __tablename__ = "payout_waits"
    __table_args__ = (
        Index(
            "uq_payout_waits_open",
            "channel_id",
            "owner_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    began_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The admin who lets the owner be paid as agreed, or null if no admin has ended the wait."""
    correlation_id: Mapped[CorrelationId]
