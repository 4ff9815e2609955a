"""Define the tables of the catalogue: the channels on offer, and each person's favourites."""

from datetime import datetime

from sqlalchemy import BigInteger, Computed, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt

LAST = 2**63 - 1
"""The value of a sort column of a channel whose figure is not known, so that it comes last."""
FILTERED = ("topic", "language", "price", "subscribers", "lengths")
"""The columns that each index of a sort column includes, so that a filter needs no table row."""


def _sorted(column: str) -> Index:
    return Index(f"ix_listings_{column}", column, "channel_id", postgresql_include=FILTERED)


def _sort_column(expression: str) -> Computed:
    return Computed(expression, persisted=True)


class Listing(Base):
    """A channel on offer, with the figures by which the catalogue is filtered and sorted.

    Only the database function `refresh_listing` writes it, after each change of the channel and
    once a day. Amounts are whole minor units. The columns `by_...` are sorted in ascending order.
    """

    __tablename__ = "listings"
    __table_args__ = (
        _sorted("by_price"),
        _sorted("by_clicks"),
        _sorted("by_growth"),
        _sorted("by_record"),
        _sorted("by_age"),
        Index("ix_listings_topic", "topic", "language", "price"),
        Index("ix_listings_price", "price", "subscribers"),
        Index("ix_listings_subscribers", "subscribers", "price"),
        Index("ix_listings_words", "words", postgresql_using="gin"),
    )

    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    topic: Mapped[str]
    """A topic of the fixed list, or `other`."""
    language: Mapped[str]
    """The language of the channel: the one that its owner chose, or else the owner's own."""
    price: Mapped[int]
    """The price of the cheapest format."""
    lengths: Mapped[int] = mapped_column(SmallInteger)
    """How long posts stay in the formats on offer, as bits (`services.market.catalogue.Length`)."""
    subscribers: Mapped[int]
    price_per_1000: Mapped[int | None]
    """The cheapest price for 1,000 subscribers, or null without a subscriber."""
    click_price: Mapped[int | None]
    """The median price of a click on earlier ads, or null if none was measured."""
    growth: Mapped[int | None]
    """The growth of the subscribers in 30 days, in thousandths, or null if it is not known."""
    kept: Mapped[int] = mapped_column(server_default=text("0"))
    """How many placements of the present owner stayed as promised, of the last 90 days."""
    broken: Mapped[int] = mapped_column(server_default=text("0"))
    """How many of them were removed early, or were altered."""
    offered_at: Mapped[datetime]
    """When the channel was offered for the first time."""
    words: Mapped[str] = mapped_column(TSVECTOR)
    """The words of the title and of the public name."""
    by_price: Mapped[int] = mapped_column(_sort_column(f"coalesce(price_per_1000, {LAST})"))
    by_clicks: Mapped[int] = mapped_column(_sort_column(f"coalesce(click_price, {LAST})"))
    by_growth: Mapped[int] = mapped_column(_sort_column(f"coalesce(-growth, {LAST})"))
    by_record: Mapped[int] = mapped_column(
        _sort_column("-(1000 * (kept + 1) / (kept + broken + 2))")
    )
    """The share of the placements that stayed. One good and one bad placement are added to all."""
    by_age: Mapped[int] = mapped_column(
        _sort_column(
            "-(EXTRACT(epoch FROM offered_at - '1970-01-01 00:00:00+00'::timestamptz)"
            " * 1000000)::bigint"
        )
    )


class FavouriteChannel(Base):
    """A channel that a person has marked as a favourite."""

    __tablename__ = "favourite_channels"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    created_at: Mapped[CreatedAt]
