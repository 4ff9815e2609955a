"""Define the tables of tracked links and of what is counted on them."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt


class TrackedLink(Base):
    """The address that stands in the ad of a placement in place of a true address."""

    __tablename__ = "tracked_links"
    __table_args__ = (
        Index("ix_tracked_links_campaign_target_id", "campaign_target_id"),
        Index(
            "ix_tracked_links_changed_at",
            "changed_at",
            "token",
            postgresql_where=text("changed_at IS NOT NULL"),
        ),
    )

    token: Mapped[str] = mapped_column(primary_key=True)
    """The last part of the tracked address, `base`/r/`token`."""
    # The links are stored before the new placement itself, so the key is checked at the commit.
    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id", deferrable=True, initially="DEFERRED")
    )
    base: Mapped[str]
    """The public address of the redirect when the link was made."""
    url: Mapped[str]
    """The true address."""
    works_until: Mapped[datetime | None]
    """When the link stops, or null if no admin has approved an ad with it."""
    changed_at: Mapped[datetime | None]
    """When `works_until` was written, or null."""
    created_at: Mapped[CreatedAt]


class ClickDay(Base):
    """The requests for the tracked links of a placement on one day in UTC."""

    __tablename__ = "click_days"
    __table_args__ = (Index("ix_click_days_day", "day", "campaign_target_id"),)

    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    clicks: Mapped[int] = mapped_column(server_default=text("0"))
    """How many people clicked. A person is a network address with a browser, for one day."""
    repeats: Mapped[int] = mapped_column(server_default=text("0"))
    """Further clicks of the same people, which do not count."""
    bots: Mapped[int] = mapped_column(server_default=text("0"))
    """Requests of programs, which do not count."""


class ClickHash(Base):
    """A person who has clicked on a link of a placement, for one day in UTC."""

    __tablename__ = "click_hashes"

    day: Mapped[date] = mapped_column(primary_key=True)
    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    """A hash of the network address and the browser's name, with the salt of the day."""


class ClickSalt(Base):
    """The salt of the hashes of one day in UTC, which is deleted after the day."""

    __tablename__ = "click_salts"

    day: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[bytes]


class ChannelClicks(Base):
    """The clicks that earlier ads with tracked links have brought in a channel."""

    __tablename__ = "channel_clicks"
    __table_args__ = (
        Index(
            "ix_channel_clicks_price_per_click",
            "price_per_click",
            "channel_id",
            postgresql_where=text("price_per_click IS NOT NULL"),
        ),
    )

    channel_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("channels.id"), primary_key=True, autoincrement=False
    )
    measured_ads: Mapped[int]
    """The number of paid placements with tracked links."""
    median_clicks: Mapped[int]
    price_per_click: Mapped[int | None]
    """All their prices by all their clicks, in minor units, rounded up. Null without a click."""
    counted_at: Mapped[datetime]
