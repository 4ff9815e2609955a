"""Test the growth of a channel's subscribers, and what counts as a jump."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import subscriber_counts
from services.market.subscriber_counts import PERIOD, Change, DayCount
from tests.factories import people

FIRST = date(2026, 3, 1)


def series(*counts: int, gap: int = 1) -> list[DayCount]:
    """Return counts from FIRST on, with a gap in days between them."""
    return [
        DayCount(FIRST + timedelta(days=gap * number), count) for number, count in enumerate(counts)
    ]


def test_the_growth_is_that_of_the_last_days() -> None:
    counts = [DayCount(FIRST - timedelta(days=1), 900), *series(1_000, *[1_010] * 29, 1_030)]
    found = subscriber_counts.growth(counts)
    assert found is not None
    assert found.since == FIRST - timedelta(days=1)
    assert found.last_days == Change(FIRST, FIRST + timedelta(days=30), 1_000, 1_030)
    assert found.last_days.difference == 30


def test_one_day_has_no_growth_and_no_day_has_nothing() -> None:
    found = subscriber_counts.growth(series(5))
    assert found is not None
    assert (found.since, found.last_days, found.jump) == (FIRST, None, None)
    assert subscriber_counts.growth([]) is None


@pytest.mark.parametrize(
    ("counts", "gap", "jump"),
    [
        ((1_000, 1_101, 1_101), 1, 101),
        ((1_000, 1_100, 1_100), 1, None),
        ((1_000, 1_000, 890), 1, -110),
        ((100, 149), 1, None),
        ((100, 150), 1, 50),
        ((0, 60), 1, 60),
        ((1_000, 1_200), 2, None),
        ((1_000, 1_202), 2, 202),
        ((1_000, 1_200, 1_900, 1_300), 1, 700),
    ],
)
def test_a_jump_is_large_in_percent_and_in_people(
    counts: tuple[int, ...], gap: int, jump: int | None
) -> None:
    found = subscriber_counts.growth(series(*counts, gap=gap))
    assert found is not None
    assert (found.jump.difference if found.jump else None) == jump


async def test_the_counts_of_the_period_are_read_in_order(session: AsyncSession) -> None:
    channel = await people.channel(session, await people.person(session))
    today = (await queries.now(session)).date()
    for age in (0, 3, PERIOD.days - 1, PERIOD.days):
        await session.execute(
            text("INSERT INTO channel_subscribers VALUES (:id, :day, :count)"),
            {"id": channel.id, "day": today - timedelta(days=age), "count": age},
        )
    found = await subscriber_counts.of_channel(session, channel.id)
    assert [each.subscribers for each in found] == [PERIOD.days - 1, 3, 0]
    assert found[-1].day == today
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = await session.execute(
        text("EXPLAIN SELECT day, count FROM channel_subscribers WHERE channel_id = 1 ORDER BY day")
    )
    assert "pk_channel_subscribers" in "\n".join(row[0] for row in plan)
