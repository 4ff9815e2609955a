"""Define the tables of the channels' calendars and of the times that are kept for placements."""

from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt

MINUTES_A_DAY = 24 * 60
SHORTEST_GAP = timedelta(seconds=1)
"""The gap of a channel that wants none: two ads still do not have the same time."""
LONGEST_GAP = timedelta(hours=24)
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
"""All days of the week by their ISO numbers: Monday is 1."""


class ChannelCalendar(Base):
    """The hours and days at which a channel publishes ads. A channel without one keeps no times."""

    __tablename__ = "channel_calendars"
    __table_args__ = (
        CheckConstraint(
            "opens_at BETWEEN 0 AND 1439 AND closes_at BETWEEN 1 AND 1440"
            " AND opens_at <> closes_at",
            name="hours",
        ),
        CheckConstraint(
            "weekdays <@ '{1,2,3,4,5,6,7}' AND cardinality(weekdays) > 0", name="weekdays"
        ),
        CheckConstraint("gap BETWEEN '1 second' AND '24:00:00'", name="gap"),
        CheckConstraint("ads_a_day >= 1", name="ads_a_day"),
    )

    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    time_zone: Mapped[str]
    """The IANA name of the zone of the hours and days."""
    opens_at: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """The first minute of the day at which an ad may be published."""
    closes_at: Mapped[int] = mapped_column(SmallInteger, server_default=text("1440"))
    """The last minute of the day at which an ad may be published.

    If it is earlier than `opens_at`, it is on the next day.
    """
    weekdays: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), server_default=text("'{1,2,3,4,5,6,7}'")
    )
    """The ISO numbers of the days of the week with ads: Monday is 1."""
    gap: Mapped[timedelta] = mapped_column(server_default=text("'01:00:00'"))
    """The least time between two ads."""
    ads_a_day: Mapped[int | None]
    """The greatest number of ads on one day. Null means any number."""
    days_off: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default=text("'{}'"))


class KeptTime(Base):
    """A time of a channel that is kept for one placement. Only database functions write it."""

    __tablename__ = "kept_times"
    __table_args__ = (
        CheckConstraint(
            "kept_until - kept_from BETWEEN '1 second' AND '72:00:00'", name="kept_until"
        ),
        # A range of one channel id is compared like a number, which needs no extension.
        ExcludeConstraint(
            (text("int8range(channel_id, channel_id, '[]')"), "&&"),
            (text("tstzrange(kept_from, kept_until)"), "&&"),
            where=text("freed_at IS NULL"),
            using="gist",
            name="no_two_ads_at_once",
        ),
        Index(
            "ix_kept_times_channel_id_kept_from",
            "channel_id",
            "kept_from",
            postgresql_where=text("freed_at IS NULL"),
        ),
    )

    campaign_target_id: Mapped[int] = mapped_column(
        ForeignKey("campaign_targets.id"), primary_key=True, autoincrement=False
    )
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    kept_from: Mapped[datetime]
    """When the post is published."""
    kept_until: Mapped[datetime]
    """Until when no other ad is published: later by the gap that the channel had then."""
    freed_at: Mapped[datetime | None]
    """When the placement ended without its post, so that the time is free again, or null."""
    created_at: Mapped[CreatedAt]
