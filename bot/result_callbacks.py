"""Define the data in the buttons about tracked links and about the results of ads."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class CountAct(StrEnum):
    """An advertiser's action for the clicks on the new placements of a campaign."""

    ASK = "ask"
    ON = "on"
    OFF = "off"


class CountClicks(CallbackData, prefix="count_clicks"):
    """The data of a button that lets clicks on new placements be counted, or not.

    `id` is the id of the campaign.
    """

    act: CountAct
    id: int


class ShowLinks(CallbackData, prefix="links"):
    """The data of a button that shows the ad of a placement with its tracked links."""

    id: int


class Results(StrEnum):
    """A form of the results of a placement or a campaign."""

    SCREEN = "screen"
    PICTURE = "picture"
    TABLE = "table"
    REPORT = "report"


class PlacementResults(CallbackData, prefix="result"):
    """The data of a button about what a placement has brought."""

    form: Results
    id: int


class CampaignResults(CallbackData, prefix="results"):
    """The data of a button about what the placements of a campaign have brought."""

    form: Results
    id: int
