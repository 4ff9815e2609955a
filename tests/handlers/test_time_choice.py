"""Test that a buyer is offered the free times of a channel, and no others."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from db.models.operations import OutboxMessage, OutboxStatus
from tests.factories import people
from tests.handlers.marketplace import Marketplace

pytestmark = pytest.mark.usefixtures("with_own_login")


async def _open(market: Marketplace, *, zone: str = "UTC") -> None:
    """Go to the step with the days, as an advertiser with money."""
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 50_000)
    await _choose_time(market)
    await market.say("advertiser", zone)


async def _choose_time_again(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "Bakery")
    await _choose_time(market)


async def _choose_time(market: Marketplace) -> None:
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "🕒 At a time I choose")


async def _change_calendar(market: Marketplace, change: str) -> None:
    await market.database.as_owner(f"UPDATE channel_calendars SET {change}")


async def _times(market: Marketplace) -> list[datetime]:
    found = await market.rows("SELECT kept_from FROM kept_times ORDER BY kept_from")
    return [row["kept_from"] for row in found]


async def test_a_day_and_a_free_time_are_two_presses(market: Marketplace) -> None:
    await _open(market)
    assert "Choose a day" in await market.last("advertiser")
    day = (await market.buttons("advertiser"))[2]
    await market.press("advertiser", day)
    assert f"{day}: choose a time" in await market.last("advertiser")
    assert "Your time zone: UTC" in await market.last("advertiser")
    await market.press("advertiser", "18:00")
    await market.press("advertiser", "✅ Submit")
    (kept,) = await _times(market)
    assert (kept.hour, kept.minute) == (18, 0)
    await _choose_time_again(market)
    await market.press("advertiser", day)
    shown = await market.buttons("advertiser")
    assert "17:00" in shown
    assert "18:00" not in shown


async def test_a_typed_time_is_checked_and_the_next_free_times_are_told(
    market: Marketplace,
) -> None:
    await _open(market)
    for typed in ("2035-07-02 18:00", "2035-07-02 18:30"):
        await market.say("advertiser", typed)
        if typed.endswith("18:00"):
            await market.press("advertiser", "✅ Submit")
            await _choose_time_again(market)
    shown = await market.last("advertiser")
    assert "This time is taken" in shown
    assert "The next free times: 2 Jul 2035 19:00 UTC, 2 Jul 2035 20:00 UTC" in shown
    await _change_calendar(market, "opens_at = 540, closes_at = 1140, weekdays = '{1,2}'")
    for typed, why in (
        ("2035-07-02 08:00", "no ads at this hour"),
        ("2035-07-04 12:00", "on this day of the week"),
    ):
        await market.say("advertiser", typed)
        assert why in await market.last("advertiser")


async def test_a_time_that_somebody_else_got_first_is_answered_with_others(
    market: Marketplace,
) -> None:
    await _open(market)
    await market.say("advertiser", "2035-07-02 18:00")
    assert "Please check" in await market.last("advertiser")
    at = datetime.fromisoformat("2035-07-02T17:30:00+00:00")
    await _keep(market, at)
    await market.press("advertiser", "✅ Submit")
    shown = await market.last("advertiser")
    assert "This time is taken" in shown
    assert "2 Jul 2035 19:00 UTC" in shown
    assert "Choose a day" in shown
    await market.say("advertiser", "2035-07-02 19:00")
    await market.press("advertiser", "✅ Submit")
    assert await _times(market) == [at, at + timedelta(hours=1.5)]


async def test_without_a_free_time_the_form_says_so(market: Marketplace) -> None:
    await _open(market)
    days = await market.value(
        "SELECT array_agg((clock() + n * interval '1 day')::date)::text"
        " FROM generate_series(-1, 20) n"
    )
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "⚡ As soon as approved")
    await _change_calendar(market, f"days_off = '{days}'")
    await market.press("advertiser", "✅ Submit")
    shown = await market.last("advertiser")
    assert "no free time in the next 7 days" in shown
    assert "⚡ As soon as approved" not in await market.buttons("advertiser")
    await market.press("advertiser", "🕒 At a time I choose")
    assert "no free time in the next two weeks" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0


async def test_soon_says_when_the_next_free_time_is(market: Marketplace) -> None:
    await _open(market)
    now = await market.value("SELECT clock()")
    await _keep(market, now)
    await market.press("advertiser", "⬅️ Back")
    assert "The next free time of the channel is" in await market.last("advertiser")
    await market.press("advertiser", "⚡ As soon as approved")
    assert "at the next free time of the channel" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit")
    await market.deliver()
    await market.press("owner", "✅ Accept")
    await market.deliver()
    await market.press("admin", "✅ Approve", where="group")
    due = await market.value("SELECT due_at FROM post_jobs")
    assert timedelta(hours=1) <= due - now
    await market.deliver()
    shown = await market.last("owner")
    assert f"{due.hour:02}:{due.minute:02} UTC" in shown


async def _press_a_day_of_next_month(market: Marketplace, who: str) -> None:
    """Choose the 15th of the next month, a time of that day, and check that the zone is named."""
    await market.press(who, "📅 Another day")
    first = await market.last(who)
    today = await market.value("SELECT extract(day FROM clock() AT TIME ZONE 'Europe/Berlin')::int")
    days = [label for label in await market.buttons(who) if label.isdecimal()]
    assert all(int(label) >= today for label in days)
    assert "◀️ Previous" not in await market.buttons(who)
    await market.press(who, "Next ▶️")
    assert await market.last(who) != first
    assert "time zone: Europe/Berlin" in await market.last(who)
    await market.press(who, "Mon")
    await market.press(who, "15")


async def test_a_day_is_chosen_from_months_and_the_zone_is_read_back(market: Marketplace) -> None:
    await _open(market, zone="Berlin")
    assert "Your time zone: Europe/Berlin" in await market.last("advertiser")
    await _press_a_day_of_next_month(market, "advertiser")
    await market.press("advertiser", "18:00")
    assert " 18:00, Europe/Berlin" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit")
    assert " 18:00, Europe/Berlin" in await market.last("advertiser")
    (kept,) = await _times(market)
    assert kept.day == 15
    await _choose_time_again(market)
    await _change_calendar(market, f"days_off = '{{{kept:%Y-%m}-15,{kept:%Y-%m}-16}}'")
    await market.press("advertiser", "📅 Another day")
    await market.press("advertiser", "Next ▶️")
    shown = await market.buttons("advertiser")
    # The days of the calendar are those of UTC, and the 15th begins earlier in Berlin.
    assert ("15" in shown, "16" in shown) == (True, False)


async def test_without_a_calendar_the_usual_hours_are_offered(market: Marketplace) -> None:
    await _open(market)
    await market.database.as_owner("DELETE FROM channel_calendars")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "🕒 At a time I choose")
    await market.press("advertiser", "Tomorrow")
    assert (await market.buttons("advertiser"))[:3] == ["09:00", "10:00", "12:00"]
    await market.say("advertiser", "25:00")
    assert "can't read that" in await market.last("advertiser")
    await market.say("advertiser", "18:30")
    assert " 18:30, UTC" in await market.last("advertiser")
    for button in ("⬅️ Back", "🕒 At a time I choose"):
        await market.press("advertiser", button)
    await market.say("advertiser", "2020-01-02")
    assert "no time to choose any more" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.say("advertiser", "02.07.2035")
    await market.say("advertiser", "7")
    await market.press("advertiser", "✅ Submit")
    at = await market.value("SELECT publish_at FROM campaign_targets")
    assert f"{at:%Y-%m-%d %H:%M}" == "2035-07-02 07:00"


async def test_an_owner_asks_for_a_time_by_buttons(market: Marketplace) -> None:
    await _open(market)
    await market.press("advertiser", "Tomorrow")
    await market.press("advertiser", "10:00")
    await market.press("advertiser", "✅ Submit")
    await market.deliver()
    await market.press("owner", "✏️ Ask for a change")
    await market.press("owner", "🕒 The time of publication")
    await market.say("owner", "Berlin")
    assert "The advertiser wants: " in await market.last("owner")
    await _press_a_day_of_next_month(market, "owner")
    await market.press("owner", "20:00")
    assert " 20:00, Europe/Berlin" in await market.last("owner")
    await market.deliver()
    label = next(b for b in await market.buttons("advertiser") if "publication at" in b)
    assert label.endswith(", UTC")
    await market.press("advertiser", label)
    (kept,) = await _times(market)
    assert kept.day == 15


async def test_several_placements_get_one_chosen_time(market: Marketplace) -> None:
    await _open(market)
    await market.say("advertiser", "2035-07-02 18:00")
    await market.press("advertiser", "✅ Submit")
    await market.say("advertiser", "/start")
    for button in ("📣 Campaigns", "Bakery", "🛒 Buy a placement", "☐ 1", "🛒 Buy the ticked"):
        await market.press("advertiser", button)
    await market.press("advertiser", "💵 The cheapest")
    await market.press("advertiser", "🕒 All at a time I choose")
    await market.say("advertiser", "2035-07-02 18:00")
    assert "has no free time then" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "🕒 All at a time I choose")
    await market.press("advertiser", "Tomorrow")
    await market.press("advertiser", "18:00")
    assert "18:00" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit 1 placement")
    assert [at.hour for at in await _times(market)] == [18, 18]


async def test_the_catalogue_is_filtered_by_a_day_of_a_month(market: Marketplace) -> None:
    await _open(market)
    await market.say("advertiser", "/start")
    for button in ("📣 Campaigns", "Bakery", "🛒 Buy a placement", "🔎 Filters", "Free on: any"):
        await market.press("advertiser", button)
    assert "in your time zone (UTC)" in await market.last("advertiser")
    assert "Today" in await market.buttons("advertiser")
    await market.press("advertiser", "📅 Another day")
    await market.say("advertiser", "2020-01-02")
    assert "no day from today on" in await market.last("advertiser")
    days = [int(label) for label in await market.buttons("advertiser") if label.isdecimal()]
    assert days[0] == await market.value("SELECT extract(day FROM clock())::int")
    await market.press("advertiser", "Next ▶️")
    await market.press("advertiser", "15")
    assert "☐ 1" in await market.buttons("advertiser")
    day = await market.value("SELECT (date_trunc('month', clock()) + '1 month 14 days')::date")
    await market.database.as_owner(f"UPDATE channel_calendars SET days_off = '{{{day}}}'")
    await market.press("advertiser", "🔎 Filters (1)")
    assert any(" 15 " in label for label in await market.buttons("advertiser"))
    await market.press("advertiser", "⬅️ Back")
    assert "☐ 1" not in await market.buttons("advertiser")


async def _keep(market: Marketplace, at: datetime) -> None:
    """Keep a time for a placement of somebody else in the same channel."""
    async with market.database.sessions.begin() as session:
        other = await people.deal(session)
        await session.execute(update(OutboxMessage).values(status=OutboxStatus.FAILED))
    channel_id = await market.value("SELECT channel_id FROM channel_calendars")
    await market.database.as_owner(
        "INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)"
        " VALUES ($1, $2, $3::timestamptz, $3::timestamptz + interval '1 hour')",
        other.target.id,
        channel_id,
        at,
    )
