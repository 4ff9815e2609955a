"""Define the data in the buttons with which owners answer to ads and choose their rules."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class OfferAct(StrEnum):
    """An owner's action for a placement that an advertiser wants to buy.

    The two answers have the words of `db.models.agreements.Answer`.
    """

    OPEN = "open"
    CARD = "card"
    ASK_REASON = "ask"
    ACCEPT = "accepted"
    DECLINE = "declined"


class OnOffer(CallbackData, prefix="offer"):
    """The data of a button about a placement that waits for its owner's answer.

    `reason` is empty unless the button declines. The database function `answer_placement` knows
    the data of an answer.
    """

    act: OfferAct
    id: int
    reason: str = ""


class ShowRule(CallbackData, prefix="show_rule"):
    """The data of a button that shows a channel's acceptance rule, or the price limits for it.

    `least_kept` is the chosen number of kept placements, or None before the choice.
    """

    id: int
    least_kept: int | None = None


class SetRule(CallbackData, prefix="rule"):
    """The data of a button that sets a channel's acceptance rule (`acceptance_rules.Rule`).

    Without `least_kept`, the owner is asked each time. The database function `set_acceptance_rule`
    knows this data.
    """

    id: int
    least_kept: int | None = None
    most_price: int | None = None
