"""Define the data in the staff's buttons about channels with early removals."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class RemovalAct(StrEnum):
    """An admin's action for a channel whose owner removed posts early."""

    CARD = "card"
    ASK_REASON = "ask"
    OFFER = "offer"


class OnRemovals(CallbackData, prefix="removals"):
    """The data of a button about a channel with early removals.

    `reason` is empty unless the button lets the channel be offered again. The database function
    `offer_channel_again` knows the data of this button.
    """

    act: RemovalAct
    id: int
    reason: str = ""
