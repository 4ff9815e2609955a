"""Test the screens with which an owner reads and sets the calendar of a channel."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.calendar_callbacks import CalendarChange, CalendarPart, EditCalendar, SetCalendar
from bot.screens import calendar as calendar_screens
from bot.texts import LANGUAGES, Texts
from db.models.calendars import ChannelCalendar
from db.models.campaigns import Channel
from services.market import campaigns
from services.market.kept_times import PlannedAd
from tests.factories import people
from tests.handlers.marketplace import Marketplace

HOURS = "🕒 Hours"
CALENDAR = "🗓 Calendar"


async def _calendar(market: Marketplace) -> dict[str, object]:
    (row,) = await market.rows("SELECT * FROM channel_calendars")
    return row


@pytest.mark.usefixtures("with_own_login")
async def test_an_owner_sets_each_part_of_a_calendar(market: Marketplace) -> None:
    await market.connect_channel()
    await market.press("owner", CALENDAR)
    shown = await market.last("owner")
    assert "the whole day" in shown
    assert "Between two ads: 1 h" in shown
    for button in (HOURS, "09:00", "21:00", "↔️ Between ads", "3 h", "🔢 Ads a day", "2"):
        await market.press("owner", button)
    await market.press("owner", "📆 Days")
    for day in ("✔️ Sat", "✔️ Sun"):
        await market.press("owner", day)
    await market.press("owner", "⬅️ Back")
    shown = await market.last("owner")
    for words in ("Hours of ads: 09:00", "Mon, Tue, Wed, Thu, Fri\n", "3 h", "at most 2"):
        assert words in shown
    await market.press("owner", "🌴 Days off")
    assert "Time zone of the calendar: UTC" in await market.last("owner")
    before = (await market.last("owner"))[:30]
    today = await market.value("SELECT extract(day FROM clock())::int")
    past = (await market.buttons("owner"))[7:].index(str(today))
    assert all(not label.strip("·\u2800") for label in (await market.buttons("owner"))[7:][:past])
    await market.press("owner", "Mon")  # the name of a day does nothing
    assert await market.last("owner") == before + (await market.last("owner"))[30:]
    await market.press("owner", "Next ▶️")
    assert (await market.last("owner"))[:30] != before
    await market.press("owner", "15")
    assert "🌴15" in await market.buttons("owner")
    await market.press("owner", "⬅️ Back")
    shown = await market.last("owner")
    assert "Days off: " in shown
    assert " 15 " in shown.partition("Days off: ")[2][:8]
    set_to = await _calendar(market)
    assert (set_to["opens_at"], set_to["closes_at"], set_to["ads_a_day"]) == (540, 1260, 2)
    assert (set_to["weekdays"], set_to["gap"]) == ([1, 2, 3, 4, 5], timedelta(hours=3))
    await market.press("owner", "🌴 Days off")
    await market.press("owner", "Next ▶️")
    await market.press("owner", "🌴15")
    assert "15" in await market.buttons("owner")
    assert (await _calendar(market))["days_off"] == []
    for button in ("⬅️ Back", HOURS, "🕛 The whole day"):
        await market.press("owner", button)
    assert (await _calendar(market))["closes_at"] == 1440


@pytest.mark.usefixtures("with_own_login")
async def test_the_owner_sees_the_ads_by_day_and_as_a_picture(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    advertiser = await market.actor("advertiser")
    (ids,) = await market.rows(
        "SELECT (SELECT id FROM campaigns) AS campaign, (SELECT id FROM channels) AS channel,"
        " date_trunc('day', clock()) + interval '1 day 18 hours' AS at"
    )
    async with (
        market.database.sessions.begin() as session,
        people.funded(session, advertiser, people.PRICE),
    ):
        made = await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=ids["campaign"],
            channel_id=ids["channel"],
            publish_at=ids["at"],
            fee_bps=people.FEE_BPS,
        )
    await market.press("owner", CALENDAR)
    assert f"⏳ 18:00 #{made.id} Bakery" in await market.last("owner")
    await market.press("owner", "Next ▶️")
    assert f"#{made.id}" not in await market.last("owner")
    await market.press("owner", "◀️ Previous")
    await market.press("owner", "🖼 Month")
    sent = (await market.messages("owner"))[-1]
    assert sent["media"]
    assert "“Daily”" in sent["caption"]


def test_a_full_week_fits_into_one_message() -> None:
    today = date(2026, 11, 30)
    days = [today + timedelta(days=number) for number in range(400)]
    at = datetime(2026, 11, 30, tzinfo=UTC)
    ads = [PlannedAd(10**9, "W" * 64, "approved", at) for _ in range(90)]
    calendar = ChannelCalendar(
        channel_id=10**9,
        time_zone="America/Argentina/ComodRivadavia",
        opens_at=540,
        closes_at=1260,
        weekdays=[1, 2, 3, 4, 5, 6],
        gap=timedelta(minutes=15),
        ads_a_day=90,
        days_off=days,
    )
    channel = Channel(id=10**9, title="T" * 128)
    for language in LANGUAGES:
        week = calendar_screens.Week(0, today, dict.fromkeys(days, ads))
        shown = calendar_screens.week(Texts(language, "USD"), channel, calendar, week)
        assert "84" in shown.text
        assert "390" in shown.text
        assert len(shown.text) < 4_096


@pytest.mark.usefixtures("with_own_login")
async def test_a_press_sets_up_a_calendar_and_forged_buttons_change_nothing(
    market: Marketplace,
) -> None:
    await market.connect_channel()
    channel_id = await market.value("SELECT id FROM channels")
    await _set_up_again(market, channel_id)
    before = await _calendar(market)
    for change, value in (
        (CalendarChange.HOURS, 2099),
        (CalendarChange.HOURS, -1),
        (CalendarChange.GAP, 2**62),
        (CalendarChange.GAP, -(2**62)),
        (CalendarChange.MOST, -5),
        (CalendarChange.OPEN_WEEKDAY, 9),
    ):
        pressed = SetCalendar(change=change, id=channel_id, value=value)
        assert await market.press_forged("owner", pressed.pack())
    stranger = SetCalendar(change=CalendarChange.GAP, id=channel_id, value=0)
    assert "somebody else's" in await market.press_forged("advertiser", stranger.pack())
    assert await _calendar(market) == before
    for number in range(1, 8):
        close = SetCalendar(change=CalendarChange.CLOSE_WEEKDAY, id=channel_id, value=number)
        alert = await market.press_forged("owner", close.pack())
    assert "At least one day" in alert
    assert (await _calendar(market))["weekdays"] == [7]


async def _set_up_again(market: Marketplace, channel_id: int) -> None:
    """Remove the calendar, as in a channel that was connected before there were any."""
    await market.database.as_owner("DELETE FROM channel_calendars")
    await market.press("owner", CALENDAR)
    assert "has no calendar yet" in await market.last("owner")
    gap = EditCalendar(part=CalendarPart.GAP, id=channel_id)
    assert "no calendar yet" in await market.press_forged("owner", gap.pack())
    await market.press("owner", "🗓 Set up the calendar")
    await market.press("owner", "🌍 Set my time zone")
    await market.say("owner", "Tokyo")
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "Daily")
    await market.press("owner", CALENDAR)
    await market.press("owner", "🌍 Use my time zone (Asia/Tokyo)")
    assert "Time zone: Asia/Tokyo" in await market.last("owner")
