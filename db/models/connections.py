"""Define the table of requests to connect a channel, which only the channel's creator can grant."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt


class ConnectionRequest(Base):
    """An administrator's last request to connect one channel, with a link for the creator.

    A new request of the same person replaces the row, so that the earlier link is void.
    """

    __tablename__ = "connection_requests"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    started_by: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    title: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    """The SHA-256 digest of the link's token, in hexadecimal digits."""
    expires_at: Mapped[datetime] = mapped_column(server_default=text("clock() + '7 days'"))
    ended_at: Mapped[datetime | None]
    """When the creator used the link, or null."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
