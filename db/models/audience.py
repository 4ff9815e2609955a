"""Define the tables about the audience of channels: subscribers, posts and reactions."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
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


class ChannelPost(Base):
    """One of the newest posts of a channel, which neither the bot nor a service wrote.

    An album is one post: the row is that of its first message.
    """

    __tablename__ = "channel_posts"
    __table_args__ = (
        Index(
            "uq_channel_posts_album",
            "channel_id",
            "album",
            unique=True,
            postgresql_where=text("album IS NOT NULL"),
        ),
    )

    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    posted_at: Mapped[datetime]
    """When the post was published, by Telegram's clock."""
    album: Mapped[str | None]
    """Telegram's `media_group_id`, or null for a post of one message."""
    reactions: Mapped[int] = mapped_column(server_default=text("0"))
    """How many reactions the post had when Telegram told it last."""


class ChannelPostCount(Base):
    """How many posts a channel had on one day in UTC, without those of the bot."""

    __tablename__ = "channel_post_counts"

    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    posts: Mapped[int]


class AdReactions(Base):
    """How many reactions the published post of a placement has."""

    __tablename__ = "ad_reactions"

    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), primary_key=True, autoincrement=False
    )
    reactions: Mapped[int]
    """The number of all reactions when Telegram told it last."""
    told_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    """When Telegram told this number."""
