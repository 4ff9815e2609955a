"""Build the screens of a channel's calendar, for its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aiogram.types import InlineKeyboardButton

from bot import formatting, names, time_zones
from bot.calendar_callbacks import (
    CalendarChange,
    CalendarPart,
    DrawMonth,
    EditCalendar,
    SetCalendar,
    ShowCalendar,
)
from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.screens import month_grid
from bot.screens.month_grid import Cell
from bot.screens.outgoing import Outgoing, Rows, button, column, rows
from bot.texts import Texts
from db.models.calendars import EVERY_DAY, MINUTES_A_DAY, SHORTEST_GAP, ChannelCalendar
from db.models.campaigns import Channel
from services.market.kept_times import PlannedAd

WEEK_DAYS = 7
LAST_WEEK = 52
LAST_MONTH = 12
"""How many months after the present one days off can be chosen."""
GAPS = (0, 15, 30, 60, 120, 180, 240, 360, 720, 1_440)
"""The gaps that can be chosen, in minutes."""
ADS_A_DAY = (1, 2, 3, 4, 5, 6, 8, 10, 0)
"""The greatest numbers of ads a day that can be chosen. 0 means any number."""
_HOURS = 24
_ADS_SHOWN = 6
_NAME_SHOWN = 20
_DAYS_OFF_TOLD = 10
"""With these limits, each week fits into one message."""


@dataclass(frozen=True)
class Week:
    """A week of a channel's calendar. All days are in the zone of the calendar."""

    number: int
    """The number of weeks from now on. The present week is 0."""
    today: date
    ads: Mapping[date, Sequence[PlannedAd]]
    """The ads of the days that have any."""

    @property
    def days(self) -> list[date]:
        """The days of the week: seven days from today, or from a whole number of weeks later."""
        first = self.today + timedelta(days=WEEK_DAYS * self.number)
        return [first + timedelta(days=number) for number in range(WEEK_DAYS)]


def missing(t: Texts, channel: Channel) -> Outgoing:
    """Build the screen of a channel without a calendar, which publishes at any time."""
    create = SetCalendar(change=CalendarChange.CREATE, id=channel.id)
    return Outgoing(
        t("calendar-missing", title=channel.title),
        rows(
            [button(t("calendar-create"), create)],
            [button(t("back"), Go(screen=Screen.CHANNEL, id=channel.id))],
        ),
    )


def week(t: Texts, channel: Channel, calendar: ChannelCalendar, shown: Week) -> Outgoing:
    """Build the list of the ads of a week, with the settings of the calendar above it."""
    lines = [_day(t, calendar, day, shown.ads.get(day, ())) for day in shown.days]
    parts = (
        (CalendarPart.HOURS, CalendarPart.WEEKDAYS),
        (CalendarPart.GAP, CalendarPart.MOST),
    )
    return Outgoing(
        "\n".join([_settings(t, channel, calendar, shown.today), "", *lines]),
        rows(
            _turn(t, channel.id, shown.number),
            *(
                [
                    button(t("calendar-part", part=part), EditCalendar(part=part, id=channel.id))
                    for part in pair
                ]
                for pair in parts
            ),
            [
                button(
                    t("calendar-part", part=CalendarPart.DAYS_OFF),
                    EditCalendar(part=CalendarPart.DAYS_OFF, id=channel.id),
                ),
                button(t("calendar-month"), DrawMonth(id=channel.id, week=shown.number)),
            ],
            _zone_button(t, channel.id, calendar),
            [button(t("back"), Go(screen=Screen.CHANNEL, id=channel.id))],
        ),
    )


def _settings(t: Texts, channel: Channel, calendar: ChannelCalendar, today: date) -> str:
    off = [t.weekday(day) for day in calendar.days_off if day >= today]
    if len(off) > _DAYS_OFF_TOLD:
        off[_DAYS_OFF_TOLD:] = [t("calendar-more", more=len(off) - _DAYS_OFF_TOLD)]
    return t(
        "calendar",
        title=channel.title,
        opens=formatting.clock_of_minutes(calendar.opens_at),
        closes=formatting.clock_of_minutes(calendar.closes_at),
        hours=_hours(calendar),
        weekdays="all"
        if len(calendar.weekdays) == len(EVERY_DAY)
        else ", ".join(map(t.weekday_name, calendar.weekdays)),
        gap=_gap(t, calendar.gap),
        most=calendar.ads_a_day or 0,
        zone=time_zones.label(calendar.time_zone),
        off=", ".join(off) or "none",
    )


def _hours(calendar: ChannelCalendar) -> str:
    if calendar.opens_at == 0 and calendar.closes_at == MINUTES_A_DAY:
        return "all"
    return "night" if calendar.opens_at > calendar.closes_at else "some"


def _gap(t: Texts, gap: timedelta) -> str:
    minutes = 0 if gap <= SHORTEST_GAP else int(gap.total_seconds()) // 60
    if minutes and minutes % 60 == 0:
        return t("calendar-gap-hours", hours=minutes // 60)
    return t("calendar-gap-minutes", minutes=minutes)


def _day(t: Texts, calendar: ChannelCalendar, day: date, ads: Sequence[PlannedAd]) -> str:
    """Build the line of one day: its ads, or why it has none."""
    state = "free"
    if day.isoweekday() not in calendar.weekdays:
        state = "weekday"
    elif day in calendar.days_off:
        state = "off"
    shown = [_ad(t, calendar, ad) for ad in ads[:_ADS_SHOWN]]
    if len(ads) > _ADS_SHOWN:
        shown.append(t("calendar-more", more=len(ads) - _ADS_SHOWN))
    return t(
        "calendar-day", day=t.weekday(day), state="ads" if ads else state, ads="; ".join(shown)
    )


def _ad(t: Texts, calendar: ChannelCalendar, ad: PlannedAd) -> str:
    return t(
        "calendar-ad",
        time=formatting.format_clock(ad.at, calendar.time_zone),
        id=str(ad.target_id),
        campaign=names.shorten(ad.campaign_name, _NAME_SHOWN),
        status=ad.status,
    )


def _turn(t: Texts, channel_id: int, number: int) -> list[InlineKeyboardButton]:
    buttons = []
    if number > 0:
        buttons.append(button(t("page-previous"), ShowCalendar(id=channel_id, week=number - 1)))
    if number < LAST_WEEK:
        buttons.append(button(t("page-next"), ShowCalendar(id=channel_id, week=number + 1)))
    return buttons


def _zone_button(
    t: Texts, channel_id: int, calendar: ChannelCalendar
) -> list[InlineKeyboardButton]:
    """Make the button that sets the owner's own zone, if the calendar has another one."""
    if t.time_zone == calendar.time_zone:
        return []
    if t.time_zone is None:
        return [button(t("calendar-zone-ask"), OpenForm(name=FormName.ZONE))]
    change = SetCalendar(change=CalendarChange.ZONE, id=channel_id)
    return [button(t("calendar-zone", zone=t.zone), change)]


def hours(t: Texts, channel: Channel) -> Outgoing:
    """Build the question from which hour on ads are published."""
    choices = [
        button(
            formatting.clock_of_minutes(hour * 60),
            EditCalendar(part=CalendarPart.UNTIL, id=channel.id, value=hour),
        )
        for hour in range(_HOURS)
    ]
    all_day = SetCalendar(change=CalendarChange.HOURS, id=channel.id, value=_HOURS)
    return _choices(
        t,
        channel,
        t("calendar-hours-ask", title=channel.title),
        [[button(t("calendar-all-day"), all_day)], *_in_rows(choices, 6)],
    )


def until(t: Texts, channel: Channel, first: int) -> Outgoing:
    """Build the question until which hour ads are published. `first` is the first hour."""
    choices = [
        button(
            formatting.clock_of_minutes(hour * 60),
            SetCalendar(change=CalendarChange.HOURS, id=channel.id, value=first * 100 + hour),
        )
        for hour in (*range(first + 1, _HOURS + 1), *range(1, first))
    ]
    opens = formatting.clock_of_minutes(first * 60)
    return _choices(t, channel, t("calendar-until-ask", opens=opens), _in_rows(choices, 6))


def weekdays(t: Texts, channel: Channel, calendar: ChannelCalendar) -> Outgoing:
    """Build the question on which days of the week ads are published."""
    choices = [
        _toggle(
            t,
            t.weekday_name(number),
            channel.id,
            number,
            is_chosen=number in calendar.weekdays,
            changes=(CalendarChange.CLOSE_WEEKDAY, CalendarChange.OPEN_WEEKDAY),
        )
        for number in EVERY_DAY
    ]
    return _choices(t, channel, t("calendar-weekdays-ask"), _in_rows(choices, 4))


def gap(t: Texts, channel: Channel) -> Outgoing:
    """Build the question how much time is between two ads."""
    choices = [
        button(
            _gap(t, timedelta(minutes=minutes)),
            SetCalendar(change=CalendarChange.GAP, id=channel.id, value=minutes),
        )
        for minutes in GAPS
    ]
    return _choices(t, channel, t("calendar-gap-ask"), _in_rows(choices, 3))


def ads_a_day(t: Texts, channel: Channel) -> Outgoing:
    """Build the question how many ads one day may have."""
    choices = [
        button(
            t("calendar-most", most=most),
            SetCalendar(change=CalendarChange.MOST, id=channel.id, value=most),
        )
        for most in ADS_A_DAY
    ]
    return _choices(t, channel, t("calendar-most-ask"), _in_rows(choices, 3))


def days_off(
    t: Texts, channel: Channel, calendar: ChannelCalendar, *, today: date, months: int
) -> Outgoing:
    """Build the question which days have no ads, for a month that is `months` after the present.

    `today` is the present day in the zone of the calendar. Days that are over cannot be pressed.
    """
    month = month_grid.later(today, months)
    stay = EditCalendar(part=CalendarPart.DAYS_OFF, id=channel.id, value=months)

    def label(day: date) -> str | None:
        if day < today:
            return None
        return t("calendar-off-day", day=str(day.day), off=_yes(day in calendar.days_off))

    def action(cell: Cell) -> SetCalendar | EditCalendar:
        if cell.day is None:
            return stay
        is_off = cell.day in calendar.days_off
        change = CalendarChange.PUT_BACK if is_off else CalendarChange.TAKE_OFF
        return SetCalendar(change=change, id=channel.id, value=cell.day.toordinal())

    choices = [button(cell.label, action(cell)) for cell in month_grid.cells(t, month, label)]
    turn = [
        button(t(text), EditCalendar(part=CalendarPart.DAYS_OFF, id=channel.id, value=number))
        for text, number in (("page-previous", months - 1), ("page-next", months + 1))
        if 0 <= number <= LAST_MONTH
    ]
    question = t(
        "calendar-off-ask", month=t.month(month), zone=time_zones.label(calendar.time_zone)
    )
    return _choices(t, channel, question, [*_in_rows(choices, month_grid.WEEK), turn])


def caption(t: Texts, channel: Channel, month: date, ads: int) -> str:
    """Build the words below the picture of a month."""
    return t("calendar-caption", title=channel.title, month=t.month(month), ads=ads)


def _toggle(
    t: Texts,
    label: str,
    channel_id: int,
    value: int,
    *,
    is_chosen: bool,
    changes: tuple[CalendarChange, CalendarChange],
) -> InlineKeyboardButton:
    """Make a button that makes the first change if the value is chosen, or else the second."""
    change = changes[0] if is_chosen else changes[1]
    return button(
        t("calendar-toggle", label=label, chosen=_yes(is_chosen)),
        SetCalendar(change=change, id=channel_id, value=value),
    )


def _yes(is_so: bool) -> str:  # noqa: FBT001 - the word for a text
    return "yes" if is_so else "no"


def _in_rows(buttons: Sequence[InlineKeyboardButton], width: int) -> Rows:
    return [buttons[first : first + width] for first in range(0, len(buttons), width)]


def _choices(t: Texts, channel: Channel, question: str, choices: Rows) -> Outgoing:
    """Build a question with its choices and the way back to the calendar."""
    return Outgoing(question, rows(*choices, *column([(t("back"), ShowCalendar(id=channel.id))])))
