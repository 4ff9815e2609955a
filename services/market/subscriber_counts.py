"""Read how the number of a channel's subscribers has grown, and find sudden jumps in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelSubscribers

PERIOD = timedelta(days=90)
"""The growth is shown for this time."""
GROWTH_DAYS = 30
"""The growth as a number is that of this number of days."""
JUMP_PERCENT = 10
JUMP_LEAST = 50
"""A jump is a change of more than JUMP_PERCENT and of at least JUMP_LEAST subscribers a day."""


class DayCount(NamedTuple):
    """How many subscribers a channel had on one day (UTC), as Telegram said last on this day."""

    day: date
    subscribers: int


class Change(NamedTuple):
    """A change of the number of subscribers between two days on which Telegram was asked."""

    since: date
    until: date
    before: int
    after: int

    @property
    def difference(self) -> int:
        """How many subscribers came, or below zero: went."""
        return self.after - self.before


@dataclass(frozen=True)
class Growth:
    """How the number of a channel's subscribers has changed."""

    since: date
    """The first day in PERIOD on which Telegram was asked."""
    last_days: Change | None
    """The change in the last GROWTH_DAYS, or since the first day. None if there is one day only."""
    jump: Change | None
    """The greatest jump in PERIOD, or None."""


async def of_channel(session: AsyncSession, channel_id: int) -> Sequence[DayCount]:
    """Return the counts of a channel within PERIOD, the earliest first."""
    rows = await session.execute(
        select(ChannelSubscribers.day, ChannelSubscribers.count)
        .where(
            ChannelSubscribers.channel_id == channel_id,
            ChannelSubscribers.day > func.date(func.timezone("UTC", func.clock() - PERIOD)),
        )
        .order_by(ChannelSubscribers.day)
    )
    return [DayCount(*row) for row in rows]


def growth(counts: Sequence[DayCount]) -> Growth | None:
    """Compute the growth from the counts of a channel, or return None if there are none."""
    if not counts:
        return None
    last = counts[-1]
    first = next(each for each in counts if each.day >= last.day - timedelta(days=GROWTH_DAYS))
    jumps = [change for change in map(_change, pairwise(counts)) if _is_jump(change)]
    return Growth(
        since=counts[0].day,
        last_days=_change((first, last)) if first.day < last.day else None,
        jump=max(jumps, key=lambda change: abs(change.difference), default=None),
    )


def _change(pair: tuple[DayCount, DayCount]) -> Change:
    before, after = pair
    return Change(before.day, after.day, before.subscribers, after.subscribers)


def _is_jump(change: Change) -> bool:
    """Return whether the change of an average day is a jump.

    Telegram may not have been asked on each day, so the change is divided by the days.
    """
    a_day = abs(change.difference) / (change.until - change.since).days
    return a_day >= JUMP_LEAST and a_day * 100 > change.before * JUMP_PERCENT
