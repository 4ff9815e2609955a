"""Define the data of the product's stateless buttons.

The data of a button is an act and an id. Everything else is read again when a person presses the
button. Telegram allows 64 bytes. The separator of aiogram-dialog never occurs in this data, and
therefore these buttons can be distinguished from the buttons of forms. A card is a message with
buttons in the admin chat.
"""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class Screen(StrEnum):
    """Name a screen that a navigation button can show."""

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
    """Show another screen and change nothing."""

    screen: Screen
    id: int = 0
    page: int = 0


class FormName(StrEnum):
    """Name a form that a button can open."""

    CAMPAIGN = "campaign"
    BUY = "buy"
    TERMS = "terms"
    TOP_UP = "topup"
    WITHDRAW = "withdraw"
    ZONE = "zone"


class OpenForm(CallbackData, prefix="form"):
    """Open a form. The id is that of a campaign or of a channel."""

    name: FormName
    id: int = 0


class CampaignAct(StrEnum):
    """An act that an advertiser can choose for a campaign."""

    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_CONFIRMED = "cancel_sure"
    SHOW_AD = "ad"


class OnCampaign(CallbackData, prefix="camp"):
    """Carry out the chosen act on a campaign."""

    act: CampaignAct
    id: int


class OnPlacement(CallbackData, prefix="placement"):
    """Withdraw a placement that waits for moderation."""

    act: str
    id: int


class ChannelAct(StrEnum):
    """An act that an owner can choose for a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_CONFIRMED = "remove_sure"


class OnChannel(CallbackData, prefix="chan"):
    """Carry out the chosen act on a channel."""

    act: ChannelAct
    id: int


class ModerationAct(StrEnum):
    """An act that an admin can choose on the card of a placement."""

    OPEN = "open"
    APPROVE = "approve"
    ASK_REASON = "ask"
    REJECT = "reject"
    CARD = "card"


class Moderate(CallbackData, prefix="mod"):
    """Decide on a placement, or show its card again. The reason is one of the preset reasons."""

    act: ModerationAct
    id: int
    reason: str = ""


class SwitchAct(StrEnum):
    """An act that an operator can choose for a kill switch."""

    PANEL = "panel"
    ASK_STOP = "ask_stop"
    STOP = "stop"
    ASK_RUN = "ask_run"
    RUN = "run"


class OnSwitch(CallbackData, prefix="switch"):
    """Stop or run a part of the product. The reason is one of the preset reasons."""

    act: SwitchAct
    key: str = ""
    reason: str = ""


class CloseIncident(CallbackData, prefix="incident"):
    """Close an incident after its violations are repaired."""

    id: int


class ShowQueue(CallbackData, prefix="queue"):
    """Show a page of the placements that wait for moderation."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """Choose the language of the product's texts."""

    language: str


class ResolutionAct(StrEnum):
    """An act that an admin can choose for an uncertain or an unseen post.

    Telegram may or may not have published an uncertain post. An unseen post was published, but the
    last check could not find out whether the post is still in the channel.
    """

    CARD = "card"
    THERE = "there"
    ABSENT = "absent"
    REFUND = "refund"
    RELEASE = "release"
    WAIT = "wait"


class OnUncertainPost(CallbackData, prefix="uncertain"):
    """Decide on an uncertain or unseen post. The claim's number shows whether the card is old."""

    act: ResolutionAct
    id: int
    claim: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """Show a page of the dead letters (jobs that failed and are not tried again)."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """Show a dead letter, or offer its placement to the advertiser again."""

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """Submit an offered placement again on the terms of the offer. Its price is in minor units."""

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """Request the amount that the button shows, in minor units.

    Because of the key, a second press of the button does not make a second request.
    """

    amount: int
    key: str


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """Cancel a withdrawal of the person who presses, if no admin has approved the withdrawal."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """Show a page of the withdrawals that wait for staff."""

    page: int = 0


class WithdrawalAct(StrEnum):
    """An act that an admin can choose for a withdrawal."""

    CARD = "card"
    APPROVE = "approve"
    ASK_REFERENCE = "ask_paid"
    ASK_REASON = "ask"
    RETURN = "return"


class OnWithdrawal(CallbackData, prefix="withdrawal"):
    """Decide on a withdrawal, or show its card again. The reason is one of the preset reasons."""

    act: WithdrawalAct
    id: int
    reason: str = ""


class ShowDeposits(CallbackData, prefix="deposits"):
    """Show a page of the deposits."""

    page: int = 0


class ShowCorrections(CallbackData, prefix="corrections"):
    """Show a page of the corrections that wait for a decision or for `adtech repair`."""

    page: int = 0


class CorrectionAct(StrEnum):
    """An act that an admin can choose for a correction."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """Decide on a correction, or show its card again. The reason is one of the preset reasons."""

    act: CorrectionAct
    id: int
    reason: str = ""
