"""Define the data in the buttons with which owners answer to ads and choose their rules."""

from enum import StrEnum
from typing import Self

from aiogram.filters.callback_data import CallbackData

from bot.callbacks import with_version
from services.market.sold_parts import SoldPart


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

    `reason` is empty unless the button declines. `version` is the version of the placement that the
    message shows. The database function `answer_placement` knows the data of an answer.
    """

    act: OfferAct
    id: int
    reason: str = ""
    version: int = 1

    @classmethod
    def unpack(cls, value: str) -> Self:
        """Read the data of a button. Raises TypeError or ValueError for other data."""
        return super().unpack(with_version(value, fields=4))


class ChangeAct(StrEnum):
    """A step of an owner who asks for a change of a placement."""

    ASK = "ask"
    FORMATS = "formats"


class OnChange(CallbackData, prefix="change"):
    """The data of a button about a change of a placement, in the version that the message shows."""

    act: ChangeAct
    id: int
    version: int


class AcceptChange(CallbackData, prefix="accept_change"):
    """The data of the button with which an advertiser accepts exactly one requested change.

    The database function `change_placement` knows this data.
    """

    id: int
    version: int
    request_id: int


class AskFormat(CallbackData, prefix="change_to"):
    """The data of a button with which an owner asks for another format, in a version."""

    id: int
    version: int
    format_id: int


class ChangeForm(StrEnum):
    """The name of a form about a change of a placement.

    The owner asks for another ad (in words), price or time. The advertiser edits the ad, or moves
    the placement to another time. (Another format is chosen with `AskFormat`.)
    """

    WORDS = "words"
    PRICE = "price"
    TIME = "time"
    EDIT = "edit"
    MOVE = "move"


class OpenChangeForm(CallbackData, prefix="change_form"):
    """The data of a button that opens a form, in the version that the message shows."""

    name: ChangeForm
    id: int
    version: int


class ShowSold(CallbackData, prefix="sold"):
    """The data of a button that shows one part of the placements in a channel."""

    id: int
    part: SoldPart = SoldPart.WAITING
    page: int = 0


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
