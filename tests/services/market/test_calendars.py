"""Test the hours, days and gaps of channels, and that they leave the kept times alone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.calendars import SHORTEST_GAP, KeptTime
from services.market import calendars, kept_times
from services.platform import errors
from services.platform.calendar_errors import NoCalendar, NoWeekday
from tests.factories import people
from tests.factories.people import Deal

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2035, 1, 1, tzinfo=UTC)
TODAY = MONDAY.date()
Change = Callable[..., Awaitable[None]]


async def _opened(session: AsyncSession, zone: str = "UTC") -> Deal:
    made = await people.deal(session, balance=100_000)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=zone)
    return made


async def _set(session: AsyncSession, made: Deal, change: Change, **values: Any) -> None:
    await change(session, actor=made.owner, channel_id=made.channel.id, **values)


async def _why(session: AsyncSession, made: Deal, at: datetime) -> str | None:
    why: str | None = await session.scalar(select(func.check_time(made.channel.id, at)))
    return why


async def _free(
    session: AsyncSession, made: Deal, after: datetime, wanted: int, *, days: int = 31
) -> list[datetime]:
    found = await kept_times.free(
        session, made.channel.id, after=after, until=after + days * DAY, wanted=wanted
    )
    return list(found)


async def test_ads_are_published_in_the_hours_of_the_owners_zone(session: AsyncSession) -> None:
    made = await _opened(session, "Asia/Tokyo")
    await _set(session, made, calendars.set_hours, opens_at=9 * 60, closes_at=21 * 60)
    nine = MONDAY  # it is nine o'clock in Tokyo
    assert await _why(session, made, nine - timedelta(minutes=1)) == "hours"
    assert await _why(session, made, nine) is None
    assert await _why(session, made, nine + 12 * HOUR) is None
    assert await _why(session, made, nine + 12 * HOUR + timedelta(minutes=1)) == "hours"
    assert await _free(session, made, nine + 11.5 * HOUR, 2) == [nine + 12 * HOUR, nine + DAY]


async def test_hours_may_end_after_midnight_and_belong_to_their_evening(
    session: AsyncSession,
) -> None:
    made = await _opened(session)
    await _set(session, made, calendars.set_hours, opens_at=20 * 60, closes_at=2 * 60)
    evening = MONDAY.replace(hour=20)
    assert await _why(session, made, evening - timedelta(minutes=1)) == "hours"
    assert await _why(session, made, evening) is None
    assert await _why(session, made, evening + 6 * HOUR) is None
    assert await _why(session, made, evening + 6 * HOUR + timedelta(minutes=1)) == "hours"
    assert await _free(session, made, evening + 5.5 * HOUR, 3) == [
        evening + 6 * HOUR,
        evening + DAY,
        evening + DAY + HOUR,
    ]
    await _set(session, made, calendars.set_weekday, weekday=1, is_open=False)
    assert await _why(session, made, evening) == "weekday"
    assert await _why(session, made, evening + 6 * HOUR) == "weekday"
    assert await _why(session, made, evening - 19 * HOUR) is None  # of Sunday
    assert await _free(session, made, evening + HOUR, 1) == [evening + DAY]
    tuesday = (evening + DAY).date()
    await _set(session, made, calendars.set_day_off, day=tuesday, is_off=True, today=TODAY)
    assert await _why(session, made, evening + DAY + 5 * HOUR) == "day_off"
    assert await _free(session, made, evening + HOUR, 1) == [evening + 2 * DAY]


async def test_days_of_the_week_and_days_off_have_no_ads(session: AsyncSession) -> None:
    made = await _opened(session)
    for weekday in (6, 7):
        await _set(session, made, calendars.set_weekday, weekday=weekday, is_open=False)
    await _set(session, made, calendars.set_day_off, day=date(2035, 1, 8), is_off=True, today=TODAY)
    saturday = MONDAY + 5 * DAY
    assert await _why(session, made, saturday) == "weekday"
    assert await _why(session, made, MONDAY + 7 * DAY) == "day_off"
    assert await _free(session, made, saturday, 1) == [MONDAY + 8 * DAY]
    await _set(
        session, made, calendars.set_day_off, day=date(2035, 1, 8), is_off=False, today=TODAY
    )
    await _set(session, made, calendars.set_weekday, weekday=6, is_open=True)
    assert await _free(session, made, saturday, 1) == [saturday]


async def test_a_day_has_at_most_so_many_ads(session: AsyncSession) -> None:
    made = await _opened(session, "Europe/Berlin")
    await _set(session, made, calendars.set_ads_a_day, ads_a_day=2)
    midnight = MONDAY - HOUR  # in Berlin
    for hour in (0, 23):
        await people.another(session, made, publish_at=midnight + hour * HOUR, decide=False)
    assert await _why(session, made, midnight + 12 * HOUR) == "full"
    assert await _free(session, made, midnight, 1) == [midnight + DAY]
    assert await _why(session, made, midnight - HOUR) is None


async def test_a_change_leaves_what_is_kept_alone(session: AsyncSession) -> None:
    made = await _opened(session)
    noon = MONDAY + 12 * HOUR
    for at in (noon, noon + HOUR):
        await people.another(session, made, publish_at=at, decide=False)
    kept = select(KeptTime.kept_from, KeptTime.kept_until).order_by(KeptTime.kept_from)
    before = (await session.execute(kept)).all()
    await _set(session, made, calendars.set_gap, gap=3 * HOUR)
    await _set(session, made, calendars.set_hours, opens_at=0, closes_at=10 * 60)
    await _set(session, made, calendars.set_weekday, weekday=1, is_open=False)
    assert (await session.execute(kept)).all() == before
    await _set(session, made, calendars.set_hours, opens_at=0, closes_at=24 * 60)
    await _set(session, made, calendars.set_weekday, weekday=1, is_open=True)
    for hours, why in ((-2.9, "taken"), (3.9, "taken"), (-3.0, None), (4.0, None)):
        assert await _why(session, made, noon + hours * HOUR) == why
    await _set(session, made, calendars.set_gap, gap=timedelta())
    for hours, why in ((0.5, "taken"), (1.9, "taken"), (2.0, None)):
        assert await _why(session, made, noon + hours * HOUR) == why
    calendar = await calendars.find(session, made.channel.id)
    assert calendar is not None
    assert calendar.gap == SHORTEST_GAP


async def test_the_first_room_between_ads_is_found(session: AsyncSession) -> None:
    made = await _opened(session)
    noon = MONDAY + 12 * HOUR
    for hours in (0, 1, 3, 4.5):
        await people.another(session, made, publish_at=noon + hours * HOUR, decide=False)
    assert await _free(session, made, noon - HOUR / 2, 2) == [noon + 2 * HOUR, noon + 6 * HOUR]


async def test_the_hour_that_is_skipped_in_spring_is_not_offered(session: AsyncSession) -> None:
    made = await _opened(session, "Europe/Berlin")
    await _set(session, made, calendars.set_hours, opens_at=150, closes_at=4 * 60)  # from 02:30
    spring = datetime(2035, 3, 25, tzinfo=UTC)  # at 01:00 UTC, 02:00 becomes 03:00
    assert await _free(session, made, spring, 3) == [
        spring + HOUR,
        spring + 2 * HOUR,
        spring + DAY + HOUR,
    ]


async def test_the_hour_that_comes_twice_in_autumn_has_two_times(session: AsyncSession) -> None:
    made = await _opened(session, "Europe/Berlin")
    await _set(session, made, calendars.set_hours, opens_at=2 * 60, closes_at=179)  # until 02:59
    autumn = datetime(2035, 10, 28, tzinfo=UTC)  # at 01:00 UTC, 03:00 becomes 02:00
    assert await _free(session, made, autumn - HOUR, 3) == [
        autumn,
        autumn + HOUR,
        autumn + DAY + HOUR,
    ]


async def test_a_zone_with_half_hours_has_whole_local_hours(session: AsyncSession) -> None:
    made = await _opened(session, "Asia/Kathmandu")
    (first,) = await _free(session, made, MONDAY, 1)
    assert first == MONDAY + timedelta(minutes=15)  # 06:00 there


async def test_days_with_a_free_time_are_found(session: AsyncSession) -> None:
    made = await _opened(session)
    for weekday in (2, 4):
        await _set(session, made, calendars.set_weekday, weekday=weekday, is_open=False)
    first = (await queries.now(session) + kept_times.SOON).date()
    days = [first + DAY * number for number in range(14)]
    open_days = [day for day in days if day.isoweekday() not in (2, 4)]
    found = list(await kept_times.free_days(session, made.channel.id, [first - DAY, *days], UTC))
    # Of today, perhaps nothing is left.
    assert found[-9:] == open_days[-9:]
    assert found[0] >= first
    day = open_days[-1]
    times = await kept_times.free_on(session, made.channel.id, day, UTC)
    assert [(at.date(), at.hour) for at in times] == [(day, hour) for hour in range(24)]


async def test_a_first_calendar_keeps_the_times_that_were_bought_before(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, balance=100_000)
    noon = MONDAY + 12 * HOUR
    first, _, third = [
        await people.another(session, made, publish_at=noon + minutes * HOUR / 60, decide=False)
        for minutes in (0, 30, 60)
    ]
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    ads = await kept_times.planned(session, made.channel.id, begin=MONDAY, end=MONDAY + DAY)
    assert [(ad.target_id, ad.at) for ad in ads] == [(first.id, noon), (third.id, noon + HOUR)]


@pytest.mark.parametrize(
    ("change", "values"),
    [
        (calendars.set_hours, {"opens_at": 60, "closes_at": 60}),
        (calendars.set_hours, {"opens_at": -1, "closes_at": 60}),
        (calendars.set_hours, {"opens_at": 60, "closes_at": 1441}),
        (calendars.set_hours, {"opens_at": 1_440, "closes_at": 60}),
        (calendars.set_hours, {"opens_at": 60, "closes_at": 0}),
        (calendars.set_weekday, {"weekday": 8, "is_open": True}),
        (calendars.set_gap, {"gap": -HOUR}),
        (calendars.set_gap, {"gap": 25 * HOUR}),
        (calendars.set_ads_a_day, {"ads_a_day": 0}),
        (calendars.set_ads_a_day, {"ads_a_day": 101}),
    ],
)
async def test_impossible_values_are_refused(
    session: AsyncSession, change: Change, values: dict[str, Any]
) -> None:
    made = await _opened(session)
    with pytest.raises(errors.InvalidTerms):
        await _set(session, made, change, **values)


async def test_only_the_owner_sets_a_calendar_and_one_day_stays(session: AsyncSession) -> None:
    made = await _opened(session)
    for weekday in range(1, 7):
        await _set(session, made, calendars.set_weekday, weekday=weekday, is_open=False)
    with pytest.raises(NoWeekday):
        await _set(session, made, calendars.set_weekday, weekday=7, is_open=False)
    with pytest.raises(errors.NotChannelOwner):
        await calendars.set_gap(
            session, actor=made.advertiser, channel_id=made.channel.id, gap=HOUR
        )
    other = await people.channel(session, made.owner)
    with pytest.raises(NoCalendar):
        await calendars.set_gap(session, actor=made.owner, channel_id=other.id, gap=HOUR)


async def test_a_zone_that_the_database_does_not_know_becomes_utc(session: AsyncSession) -> None:
    made = await _opened(session, "Europe/Berlin")
    await _set(session, made, calendars.set_zone, time_zone="Europe/Atlantis")
    calendar = await calendars.find(session, made.channel.id)
    assert calendar is not None
    assert calendar.time_zone == "UTC"


async def test_days_off_that_are_over_are_forgotten(session: AsyncSession) -> None:
    made = await _opened(session)
    for day in range(3):
        await _set(
            session,
            made,
            calendars.set_day_off,
            day=TODAY + day * DAY,
            is_off=True,
            today=TODAY + day * DAY,
        )
    calendar = await calendars.find(session, made.channel.id)
    assert calendar is not None
    assert calendar.days_off == [TODAY + 2 * DAY]
