"""Define the table of the managers of channels."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, Key


class ChannelManager(Base):
    """A person who may set the terms of a channel and answer to ads in the name of its owner.

    Written by `name_manager` alone. An ended row never changes.
    """

    __tablename__ = "channel_managers"
    __table_args__ = (
        Index(
            "uq_channel_managers_active",
            "channel_id",
            "owner_id",
            "user_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_channel_managers_user_id", "user_id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """The owner who named the manager. For another owner of the channel, the row does not count."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    named_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    ended_at: Mapped[datetime | None]
    correlation_id: Mapped[CorrelationId]
