"""Define the table with the daily number of subscribers of each channel."""

from datetime import date

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class ChannelSubscribers(Base):
    """How many subscribers a channel had on one day in UTC, as Telegram said last on this day."""

    __tablename__ = "channel_subscribers"

    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
