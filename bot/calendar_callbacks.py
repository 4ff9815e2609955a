"""Define the data in the buttons with which owners read and change the calendars of channels."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class ShowCalendar(CallbackData, prefix="cal"):
    """The data of a button that shows a week of a channel's calendar. The present week is 0."""

    id: int
    week: int = 0


class DrawMonth(CallbackData, prefix="cal_month"):
    """The data of a button that sends a picture of the month in which a week begins."""

    id: int
    week: int = 0


class CalendarPart(StrEnum):
    """A part of a calendar that an owner can change."""

    HOURS = "hours"
    UNTIL = "until"
    WEEKDAYS = "days"
    GAP = "gap"
    MOST = "most"
    DAYS_OFF = "off"


class EditCalendar(CallbackData, prefix="cal_edit"):
    """The data of a button that shows the choices for a part of a calendar.

    `value` is the chosen first hour for UNTIL, and for DAYS_OFF how many months after the
    present one the shown month is.
    """

    part: CalendarPart
    id: int
    value: int = 0


class CalendarChange(StrEnum):
    """A change of a calendar. The button's value is in the unit that is named here."""

    CREATE = "create"
    ZONE = "zone"
    HOURS = "hours"
    """The first hour times 100, plus the last hour."""
    OPEN_WEEKDAY = "open"
    """The ISO number of the day of the week."""
    CLOSE_WEEKDAY = "close"
    GAP = "gap"
    """Minutes."""
    MOST = "most"
    """The number of ads a day, or 0 for any number."""
    TAKE_OFF = "off"
    """The day's number in the proleptic calendar (`date.toordinal`)."""
    PUT_BACK = "on"


class SetCalendar(CallbackData, prefix="cal_set"):
    """The data of a button that changes a calendar."""

    change: CalendarChange
    id: int
    value: int = 0
