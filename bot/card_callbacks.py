"""Define the data of the buttons about the card of a channel, which buyers read before they pay."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class ShowCard(CallbackData, prefix="card"):
    """The data of a button that shows the card of a channel."""

    id: int


class Mark(StrEnum):
    """Whether a channel becomes a favourite or is no favourite any more."""

    ON = "on"
    OFF = "off"


class MarkFavourite(CallbackData, prefix="card_mark"):
    """The data of a button that makes a channel a favourite of the person, or no favourite."""

    mark: Mark
    id: int


class DrawGrowth(CallbackData, prefix="card_growth"):
    """The data of a button that sends a picture of a channel's subscribers."""

    id: int


class ShareChannel(CallbackData, prefix="card_share"):
    """The data of a button that shows an owner the link to the card of a channel."""

    id: int


class BuyHere(CallbackData, prefix="card_buy"):
    """The data of a button that buys a post in a channel. `page` is one of the campaigns."""

    id: int
    page: int = 0


class BuyFor(CallbackData, prefix="card_for"):
    """The data of a button that buys a post in a channel for a campaign.

    A campaign that is a draft becomes active first.
    """

    campaign: int
    channel: int
