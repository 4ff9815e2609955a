"""Define the data in the buttons of the bot's messages, except for the buttons of forms.

The data of a button names an action and, in most cases, an id. When a person presses the button,
the bot reads the present facts from the database. Telegram allows 64 bytes for the data of one
button. The data never contains the separator of aiogram-dialog, which marks the buttons of forms. A
card is a message with buttons in the admin chat.
"""

from enum import StrEnum
from typing import Literal

from aiogram.filters.callback_data import CallbackData


class Screen(StrEnum):
    """The name of a screen that a navigation button can show."""

    MENU = "menu"
    CAMPAIGNS = "campaigns"
    CAMPAIGN = "campaign"
    BUY = "buy"
    PLACEMENTS = "placements"
    PLACEMENT = "placement"
    WALLET = "wallet"
    STATEMENT = "statement"
    WITHDRAWALS = "withdrawals"
    CHANNELS = "channels"
    CHANNEL = "channel"
    CONNECT = "connect"
    SETTINGS = "settings"
    HELP = "help"


class Go(CallbackData, prefix="go"):
    """The data of a button that shows another screen and changes nothing."""

    screen: Screen
    id: int = 0
    page: int = 0


BESIDE = "beside|"
"""The prefix of the data of a button below a receipt (a message that the person keeps). A press of
such a button opens the screen in a new message."""


class FormName(StrEnum):
    """The name of a form that a button can open."""

    CAMPAIGN = "campaign"
    BUY = "buy"
    TERMS = "terms"
    TOP_UP = "topup"
    WITHDRAW = "withdraw"
    ZONE = "zone"


class OpenForm(CallbackData, prefix="form"):
    """The data of a button that opens a form.

    `id` is the id of a campaign or a channel, if the form is about one. Otherwise `id` is 0.
    """

    name: FormName
    id: int = 0


class CampaignAct(StrEnum):
    """An action that an advertiser can choose for a campaign."""

    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_CONFIRMED = "cancel_sure"
    SHOW_AD = "ad"


class OnCampaign(CallbackData, prefix="camp"):
    """The data of a button that carries out an action on a campaign."""

    act: CampaignAct
    id: int


class PlacementAct(StrEnum):
    """An action for a placement (the purchase of a post) that waits for moderation."""

    WITHDRAW = "withdraw"
    WITHDRAW_CONFIRMED = "withdraw_sure"


class OnPlacement(CallbackData, prefix="placement"):
    """The data of a button that takes back a placement (the purchase of a post)."""

    act: PlacementAct
    id: int


class ChannelAct(StrEnum):
    """An action that an owner can choose for a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_CONFIRMED = "remove_sure"


class OnChannel(CallbackData, prefix="chan"):
    """The data of a button that carries out an action on a channel."""

    act: ChannelAct
    id: int


class ModerationAct(StrEnum):
    """An action that an admin can choose on the card of a placement (the purchase of a post)."""

    OPEN = "open"
    APPROVE = "approve"
    ASK_REASON = "ask"
    REJECT = "reject"
    CARD = "card"


class Moderate(CallbackData, prefix="mod"):
    """The data of a button on the card of a placement (the purchase of a post).

    `reason` is a preset reason for a rejection. It is empty for every other action.
    """

    act: ModerationAct
    id: int
    reason: str = ""


class SwitchAct(StrEnum):
    """An action that an operator can choose for a kill switch, for example for `payouts`."""

    PANEL = "panel"
    ASK_STOP = "ask_stop"
    STOP = "stop"
    ASK_RUN = "ask_run"
    RUN = "run"


class OnSwitch(CallbackData, prefix="switch"):
    """The data of a button about a kill switch, which allows or forbids one kind of action.

    `key` is the name of the switch, and `reason` is the preset reason to stop or run it. If an
    action needs no switch, `key` is empty. If an action needs no reason, `reason` is empty.
    """

    act: SwitchAct
    key: str = ""
    reason: str = ""


class IncidentAct(StrEnum):
    """An action that an operator can choose for open incidents (recorded faults)."""

    LIST = "list"
    CLOSE = "close"
    CLOSE_CONFIRMED = "close_sure"


class OnIncident(CallbackData, prefix="incident"):
    """The data of a button that lists open incidents (recorded faults), or closes one of them."""

    act: IncidentAct
    id: int = 0


class ShowQueue(CallbackData, prefix="queue"):
    """The data of a button that shows a page of the placements that wait for moderation."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """The data of a button that chooses the language of the bot's texts."""

    language: str


class ResolutionAct(StrEnum):
    """An action that an admin can choose about a post.

    The post is uncertain or unverifiable, or there is a breach. An uncertain post is a post that
    Telegram may or may not have published. An unverifiable post was published, but the last check
    could not find out whether it is still in the channel. A breach means that the owner did not
    keep a promise about a published post.
    """

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
    """The data of a button on the card (message with buttons) of a post about which admins decide.

    A claim is the right of one process to send the post, and each claim has a new number. `claim`
    is the number at the time when the bot sent the card. If the post has another number now, the
    card is out of date.
    """

    act: ResolutionAct
    id: int
    claim: int


class StatePublished(CallbackData, prefix="seen"):
    """The data of a button with which a second admin states that message `message_id` is the post.

    A press shows a question. The statement is recorded only after the admin has answered yes.
    """

    id: int
    claim: int
    message_id: int


class StatePublishedConfirmed(CallbackData, prefix="seen_sure"):
    """The data of the button with which a second admin answers yes: `message_id` is the post."""

    id: int
    claim: int
    message_id: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """The data of a button that shows a page of the dead letters (jobs that failed for good)."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """The data of a button on a dead letter (a post job that failed for good).

    `act` says whether to show the dead letter or to offer its placement to the advertiser again.
    """

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """The data of a button with which an advertiser submits a failed placement again.

    The bot has offered this to the advertiser. `price` and `hours` are the terms of the offer.
    `price` is in minor units, and `hours` is how long the post must stay in the channel.
    """

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """The data of a button that requests a withdrawal of `amount`, in minor units.

    `key` is the same for each press, and therefore a second press makes no second request.
    """

    amount: int
    key: str


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """The data of a button with which a person cancels their own withdrawal before its approval.

    A press shows a question. The withdrawal is cancelled only after the person has answered yes.
    """

    id: int


class CancelWithdrawalConfirmed(CallbackData, prefix="cancel_sure"):
    """The data of the button with which a person answers yes: cancel my withdrawal."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """The data of a button that shows a page of the withdrawals that staff must approve or pay."""

    page: int = 0


class WithdrawalAct(StrEnum):
    """An action that an admin can choose for a withdrawal."""

    CARD = "card"
    APPROVE = "approve"
    APPROVE_CONFIRMED = "approve_sure"
    ASK_REFERENCE = "ask_paid"
    ASK_REASON = "ask"
    RETURN = "return"


class OnWithdrawal(CallbackData, prefix="withdrawal"):
    """The data of a button on the card (message with buttons) of a withdrawal.

    `reason` is a preset reason to return the money. It is empty for every other action.
    """

    act: WithdrawalAct
    id: int
    reason: str = ""


class ShowDeposits(CallbackData, prefix="deposits"):
    """The data of a button that shows a page of the deposits."""

    page: int = 0


class ShowStaffRequests(CallbackData, prefix="requests"):
    """The data of a button that shows a page of the open staff requests.

    A staff request asks for an action. The action is done only after a person has pressed a button
    to confirm the request.
    """

    page: int = 0


class ConfirmAdminChat(CallbackData, prefix="admin_chat"):
    """The data of the button that confirms that the admin chat has moved.

    The new admin chat is the chat in which the button is pressed.
    """

    act: Literal["confirm"] = "confirm"


class RequestAct(StrEnum):
    """An action that a person of the staff can choose for a staff request.

    A staff request asks for an action that another press of a button must confirm.
    """

    CARD = "card"
    ACKNOWLEDGE = "mine"
    DISOWN = "not_mine"
    CONFIRM = "yes"
    CONFIRM_CONFIRMED = "yes_sure"
    DROP = "no"
    DROP_CONFIRMED = "no_sure"


class OnStaffRequest(CallbackData, prefix="request"):
    """The data of a button on the card (message with buttons) of a staff request."""

    act: RequestAct
    id: int


class ShowCorrections(CallbackData, prefix="corrections"):
    """The data of a button that shows a page of the open corrections (repairs of the ledger)."""

    page: int = 0


class CorrectionAct(StrEnum):
    """An action that an admin can choose for a correction (a repair of the ledger)."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """The data of a button on the card (message with buttons) of a correction.

    A correction is a repair of the ledger. If the button confirms or refuses the correction,
    `reason` is the preset reason. For every other action, `reason` is empty.
    """

    act: CorrectionAct
    id: int
    reason: str = ""
