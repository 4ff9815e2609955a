"""Define the table of the posts that covered an ad within its promised hours on top."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt


class PostAbove(Base):
    """The first newer post of the channel that came within an ad's hours on top."""

    __tablename__ = "posts_above"

    post_job_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("post_jobs.id"), primary_key=True
    )
    message_id: Mapped[int]
    """The message of the newer post."""
    posted_at: Mapped[datetime]
    """When the newer post was published, by Telegram's clock."""
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
