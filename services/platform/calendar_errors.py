"""Define the errors about the times at which channels publish ads."""

from dataclasses import dataclass
from datetime import datetime

from services.platform.errors import DomainError


@dataclass(eq=False)
class TimeNotFree(DomainError):
    """The channel publishes no ad at the time that an advertiser has chosen."""

    channel_id: int
    why: str
    """The reason, as in the database function `time_problem`: for example `taken` or `hours`."""
    times: tuple[datetime, ...]
    """The next free times, the earliest first. The tuple can be empty."""


@dataclass(eq=False)
class NoFreeTime(DomainError):
    """The channel has no free time in the next days, in which a post could be published."""

    channel_id: int


@dataclass(eq=False)
class NoCalendar(DomainError):
    """The channel has no calendar: it publishes ads at any time, and keeps none apart."""

    channel_id: int


@dataclass(eq=False)
class NoWeekday(DomainError):
    """A calendar needs at least one day of the week with ads."""

    channel_id: int
