"""Define the data of the buttons with which the staff look things up and watch words."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class LookedUp(StrEnum):
    """A kind of thing that the staff can look up."""

    PERSON = "user"
    CAMPAIGN = "campaign"
    PLACEMENT = "placement"
    CHANNEL = "channel"


class LookUp(CallbackData, prefix="look_up"):
    """The data of a button that shows a person, campaign, placement or channel to the staff."""

    what: LookedUp
    id: int


class StopWatching(CallbackData, prefix="unwatch"):
    """The data of a button that removes a watched word."""

    id: int
