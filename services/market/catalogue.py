"""Find the channels on offer: filtered, sorted, and one page after the other.

The table `listings` has a row for each channel on offer, with an index for each order.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.calendars import ChannelCalendar
from db.models.campaigns import Channel
from db.models.catalogue import FavouriteChannel, Listing
from services.market import kept_times

EXAMINED = 40
"""Of how many channels one page asks the calendar, if it shows channels that are free on a day."""
MOST_WORDS = 5
"""How many words of a search count."""


class Order(StrEnum):
    """An order of the catalogue. Channels whose figure is not known come last."""

    PRICE = "price"
    """The price for 1,000 subscribers, the lowest first."""
    CLICKS = "clicks"
    """The price of a click, the lowest first."""
    GROWTH = "growth"
    """The growth of the subscribers in 30 days, the highest first."""
    RECORD = "record"
    """The share of the placements that stayed as promised, the highest first."""
    AGE = "age"
    """The channels that were offered for the first time most recently."""


class Length(IntFlag):
    """How long posts stay in a format, as the bits of the column `lengths`."""

    DAY = 1
    """At most 24 hours."""
    TWO_DAYS = 2
    """At most 48 hours."""
    LONGER = 4
    ENDLESS = 8


class Limits(NamedTuple):
    """The lowest and the highest number that a filter lets through. None means any."""

    least: int | None = None
    most: int | None = None


ANY = Limits()


class Day(NamedTuple):
    """The first and the last moment of a day in the zone of the buyer."""

    begins_at: datetime
    ends_at: datetime


class Position(NamedTuple):
    """The place of a channel in an order: the value of the sort column, and the channel's id."""

    value: int
    channel_id: int


@dataclass(frozen=True)
class Filters:
    """The conditions that all shown channels meet. None and empty values let all through."""

    topic: str | None = None
    language: str | None = None
    price: Limits = ANY
    """The limits of the cheapest format's price, in minor units."""
    subscribers: Limits = ANY
    length: Length | None = None
    free_on: Day | None = None
    words: Sequence[str] = ()
    """The beginnings of words of the title or of the public name, all of which must be found."""
    favourites_of: int | None = None
    """The id of the person whose favourites alone are shown."""


class Offer(NamedTuple):
    """A channel on offer with its figures."""

    channel: Channel
    listing: Listing


@dataclass(frozen=True)
class Page:
    """A part of the catalogue. `next` is the position after which the next part begins, or None.

    With a filter for a day, a page can be empty although there is a next one.
    """

    offers: Sequence[Offer]
    next: Position | None


_SORT_COLUMNS: Mapping[Order, InstrumentedAttribute[int]] = {
    Order.PRICE: Listing.by_price,
    Order.CLICKS: Listing.by_clicks,
    Order.GROWTH: Listing.by_growth,
    Order.RECORD: Listing.by_record,
    Order.AGE: Listing.by_age,
}


async def page(
    session: AsyncSession,
    *,
    filters: Filters,
    order: Order,
    size: int,
    after: Position | None = None,
) -> Page:
    """Return the first `size` channels on offer that meet the filters, or those after a position.

    A channel that is offered or taken off the market between two pages makes no other one come
    twice or be left out.
    """
    examined = EXAMINED if filters.free_on else size + 1
    found = (await session.execute(ids(filters, order, examined, after))).all()
    positions = [Position(*row) for row in found]
    fitting = positions
    if filters.free_on:
        query = free_on([each.channel_id for each in positions], filters.free_on)
        free = set(await session.scalars(query))
        fitting = [each for each in positions if each.channel_id in free]
    shown = fitting[:size]
    last = None
    if len(fitting) > size:
        last = shown[-1]
    elif len(positions) == examined and filters.free_on:
        last = positions[-1]
    return Page(await of_channels(session, [each.channel_id for each in shown]), last)


def ids(filters: Filters, order: Order, limit: int, after: Position | None) -> Select[int, int]:
    """Build the query for the positions of channels, without the filter for a day."""
    column = _SORT_COLUMNS[order]
    query = select(column.label("value"), Listing.channel_id).where(*_conditions(filters))
    query = query.order_by(column, Listing.channel_id).limit(limit)
    if after is None:
        return query
    # One condition on both columns would find the same rows. But PostgreSQL guesses the number of
    # its rows from the first column alone, and many channels can have the same value.
    same = query.where(column == after.value, Listing.channel_id > after.channel_id).subquery()
    later = query.where(column > after.value).subquery()
    both = union_all(select(same), select(later)).subquery()
    return select(both.c.value, both.c.channel_id).order_by(*both.c).limit(limit)


async def of_channels(session: AsyncSession, channel_ids: Sequence[int]) -> Sequence[Offer]:
    """Return channels on offer with their figures, in the given order of their ids.

    A channel that is not on offer is left out.
    """
    rows = await session.execute(
        select(Channel, Listing)
        .join(Listing, Listing.channel_id == Channel.id)
        .where(Channel.id.in_(channel_ids))
        .execution_options(populate_existing=True)
    )
    found = {row[0].id: Offer(*row) for row in rows}
    return [found[each] for each in channel_ids if each in found]


async def first_found(session: AsyncSession, alternatives: Sequence[Filters]) -> int | None:
    """Return the index of the first filters that a channel on offer meets, or None.

    The filter for a day counts for nothing.
    """
    for index, filters in enumerate(alternatives):
        if (await session.execute(ids(filters, Order.PRICE, 1, None))).first() is not None:
            return index
    return None


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.topic is not None:
        conditions.append(Listing.topic == filters.topic)
    if filters.language is not None:
        conditions.append(Listing.language == filters.language)
    for column, limits in (
        (Listing.price, filters.price),
        (Listing.subscribers, filters.subscribers),
    ):
        if limits.least is not None:
            conditions.append(column >= limits.least)
        if limits.most is not None:
            conditions.append(column <= limits.most)
    if filters.length is not None:
        conditions.append(Listing.lengths.op("&")(int(filters.length)) > 0)
    if filters.words:
        wanted = " & ".join(f"{word}:*" for word in filters.words[:MOST_WORDS])
        conditions.append(
            Listing.words.op("@@")(func.to_tsquery(literal_column("'simple'"), wanted))
        )
    if filters.favourites_of is not None:
        marked = select(FavouriteChannel.channel_id).where(
            FavouriteChannel.user_id == filters.favourites_of
        )
        conditions.append(Listing.channel_id.in_(marked))
    return conditions


def free_on(channel_ids: Collection[int], day: Day) -> Select[int]:
    """Build the query for the channels that have a free time on a day.

    A channel without a calendar publishes at any time.
    """
    has_calendar = (
        select(ChannelCalendar.channel_id).where(ChannelCalendar.channel_id == Channel.id).exists()
    )
    free = func.free_times(Channel.id, day.begins_at, day.ends_at, 1, kept_times.STEP)
    has_free_time = select(free.column_valued("free")).exists()
    return select(Channel.id).where(Channel.id.in_(channel_ids), ~has_calendar | has_free_time)
