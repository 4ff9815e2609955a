"""Define the data of the buttons below the bot's messages, except for the buttons of forms.

Telegram allows 64 bytes for each button.
"""

from enum import StrEnum
from typing import Literal, Self

from aiogram.filters.callback_data import CallbackData


class Screen(StrEnum):
    """The name of a screen that a button can show."""

    MENU = "menu"
    CAMPAIGNS = "campaigns"
    CAMPAIGN = "campaign"
    BUY = "buy"
    PLACEMENTS = "placements"
    PLACEMENT = "placement"
    STORY = "story"
    WALLET = "wallet"
    STATEMENT = "statement"
    WITHDRAWALS = "withdrawals"
    CHANNELS = "channels"
    CHANNEL = "channel"
    CONNECT = "connect"
    SOLD = "sold"
    WAITING = "waiting"
    EARNINGS = "earnings"
    DESTINATIONS = "dests"
    SETTINGS = "settings"
    HELP = "help"


class Go(CallbackData, prefix="go"):
    """The data of a button that shows another screen."""

    screen: Screen
    id: int = 0
    page: int = 0


class DrawEarnings(CallbackData, prefix="earned"):
    """The data of the button that sends a picture of an owner's earnings."""


BESIDE = "beside|"
"""The prefix of button data that opens the screen in a new message."""


class FormName(StrEnum):
    """The name of a form that a button can open."""

    CAMPAIGN = "campaign"
    COPY = "copy"
    DRAFT = "draft"
    BUDGET = "budget"
    BUY = "buy"
    TERMS = "terms"
    FORMAT = "format"
    FORMAT_PRICE = "price"
    TOPIC = "topic"
    TOP_UP = "topup"
    WITHDRAW = "withdraw"
    ZONE = "zone"
    DESTINATION = "dest"
    INVITE = "invite"


class OpenForm(CallbackData, prefix="form"):
    """The data of a button that opens a form.

    `id` is the id of a campaign or a channel, and for `FORMAT_PRICE` of a channel's format. For
    `CAMPAIGN`, it is the channel in which the person wants to buy. 0 means that the form needs no
    id.
    """

    name: FormName
    id: int = 0


class CampaignAct(StrEnum):
    """An advertiser's action for a campaign."""

    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_CONFIRMED = "cancel_sure"
    SHOW_AD = "ad"
    DELETE = "delete"
    DELETE_CONFIRMED = "delete_sure"


class OnCampaign(CallbackData, prefix="camp"):
    """The data of a button that carries out an action on a campaign."""

    act: CampaignAct
    id: int


class PlacementAct(StrEnum):
    """A person's action for a placement."""

    WITHDRAW = "withdraw"
    WITHDRAW_CONFIRMED = "withdraw_sure"
    CANCEL = "cancel"
    COPY = "copy"


class OnPlacement(CallbackData, prefix="placement"):
    """The data of a button with which an advertiser takes back, cancels or reads a placement."""

    act: PlacementAct
    id: int


class CancelPlacement(CallbackData, prefix="cancel_ad"):
    """The data of the button with which an advertiser cancels an approved placement for a reason.

    The database function `cancel_placement` knows this data.
    """

    id: int
    reason: str


class ChannelAct(StrEnum):
    """An owner's action for a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_CONFIRMED = "remove_sure"


class OnChannel(CallbackData, prefix="chan"):
    """The data of a button that carries out an action on a channel."""

    act: ChannelAct
    id: int


class ModerationAct(StrEnum):
    """An action that an admin can choose in the moderation of a placement."""

    OPEN = "open"
    APPROVE = "approve"
    ASK_REASON = "ask"
    REJECT = "reject"
    ASK_CHANGE = "ask_change"
    CHANGE = "change"
    CARD = "card"
    TAKE = "take"
    GIVE_BACK = "give"


def with_version(data: str, fields: int) -> str:
    """Add the version 1 to the data of a button of the release before, which has one field less.

    `fields` is the present number of the fields.
    """
    return f"{data}:1" if data.count(":") == fields - 1 else data


class Moderate(CallbackData, prefix="mod"):
    """The data of a moderation button.

    `reason` is empty unless the button rejects or asks for a change. `version` is the version of
    the placement that the message shows.
    """

    act: ModerationAct
    id: int
    reason: str = ""
    version: int = 1

    @classmethod
    def unpack(cls, value: str) -> Self:
        """Read the data of a button. Raises TypeError or ValueError for other data."""
        return super().unpack(with_version(value, fields=4))


class ShowQueue(CallbackData, prefix="queue"):
    """The data of a button that shows a page of the moderation queue."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """The data of a button that chooses the language of the bot's texts."""

    language: str


class ResolutionAct(StrEnum):
    """An admin's action for a post with an unclear state, or for an owner's broken promise."""

    CARD = "card"
    THERE = "there"
    ABSENT = "absent"
    ABSENT_CONFIRMED = "absent_sure"
    ASK_REFUND = "ask_refund"
    REFUND = "refund"
    ASK_RELEASE = "ask_release"
    RELEASE = "release"
    WAIT = "wait"
    DISMISS = "dismiss"
    DISMISS_CONFIRMED = "dismiss_sure"


class OnUncertainPost(CallbackData, prefix="uncertain"):
    """The data of a button with which an admin decides about a post.

    If the post's claim number is no longer `claim`, the button is out of date.
    """

    act: ResolutionAct
    id: int
    claim: int


class StatePublished(CallbackData, prefix="seen"):
    """The data of a button that asks a second admin whether message `message_id` is the post."""

    id: int
    claim: int
    message_id: int


class StatePublishedConfirmed(CallbackData, prefix="seen_sure"):
    """The data of the button with which a second admin confirms that `message_id` is the post."""

    id: int
    claim: int
    message_id: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """The data of a button that shows a page of the post jobs that failed for good."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """The data of a button about a post job that failed for good."""

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """The data of a button with which an advertiser submits a failed placement again.

    `price` is in minor units. `hours` is how long the post must stay in the channel.
    """

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """The data of a button that requests a withdrawal.

    `amount` is in minor units. A second press with the same `key` makes no second request.
    """

    amount: int
    key: str


class WithdrawTo(CallbackData, prefix="wto"):
    """The data of a button that requests a withdrawal to a payout destination, as `Withdraw`."""

    amount: int
    key: str
    destination: int


class DestinationAct(StrEnum):
    """A person's act for a payout destination."""

    CONFIRM = "confirm"
    DROP = "drop"


class OnDestination(CallbackData, prefix="dest"):
    """The data of a button with which a person confirms or drops a payout destination.

    The database function `guard_destination` knows the data of a confirmation.
    """

    act: DestinationAct
    id: int


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """The data of a button that asks a person whether to cancel their withdrawal."""

    id: int


class CancelWithdrawalConfirmed(CallbackData, prefix="cancel_sure"):
    """The data of a button that cancels the person's own withdrawal."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """The data of a staff button that shows a page of withdrawals."""

    page: int = 0


class WithdrawalAct(StrEnum):
    """An admin's action for a withdrawal."""

    CARD = "card"
    APPROVE = "approve"
    APPROVE_CONFIRMED = "approve_sure"
    ASK_REFERENCE = "ask_paid"
    ASK_REASON = "ask"
    RETURN = "return"


class OnWithdrawal(CallbackData, prefix="withdrawal"):
    """The data of a staff button about a withdrawal.

    `reason` is empty unless the button returns the money.
    """

    act: WithdrawalAct
    id: int
    reason: str = ""


class ShowDeposits(CallbackData, prefix="deposits"):
    """The data of a button that shows a page of the deposits."""

    page: int = 0


class ShowStaffRequests(CallbackData, prefix="requests"):
    """The data of a button that shows a page of the open staff requests."""

    page: int = 0


class ConfirmAdminChat(CallbackData, prefix="admin_chat"):
    """The data of a button that confirms the chat of the press as the new admin chat."""

    act: Literal["confirm"] = "confirm"


class RequestAct(StrEnum):
    """An action of the staff for a staff request."""

    CARD = "card"
    ACKNOWLEDGE = "mine"
    DISOWN = "not_mine"
    CONFIRM = "yes"
    CONFIRM_CONFIRMED = "yes_sure"
    DROP = "no"
    DROP_CONFIRMED = "no_sure"


class OnStaffRequest(CallbackData, prefix="request"):
    """The data of a button about a staff request."""

    act: RequestAct
    id: int


class ShowCorrections(CallbackData, prefix="corrections"):
    """The data of a button that shows a page of the open corrections of the ledger."""

    page: int = 0


class CorrectionAct(StrEnum):
    """An admin's action for a correction of the ledger."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """The data of a button about a correction of the ledger.

    `reason` is empty unless the button confirms or refuses the correction.
    """

    act: CorrectionAct
    id: int
    reason: str = ""
