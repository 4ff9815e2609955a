"""Define the data of the stateless buttons: an action and an id; everything else is read again.

Telegram allows 64 bytes. The separator of aiogram-dialog never occurs here, so these buttons can be
distinguished from the buttons of a form.
"""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class Place(StrEnum):
    """The screen to which a navigation button leads."""

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
    """Data of a button that shows another screen and changes nothing."""

    place: Place
    id: int = 0
    page: int = 0


class FormName(StrEnum):
    """A form that a button opens."""

    CAMPAIGN = "campaign"
    BUY = "buy"
    TERMS = "terms"
    TOP_UP = "topup"
    WITHDRAW = "withdraw"
    ZONE = "zone"


class OpenForm(CallbackData, prefix="form"):
    """Data of a button that opens a form; the id is that of a campaign or a channel."""

    name: FormName
    id: int = 0


class CampaignAct(StrEnum):
    """The actions of an advertiser on a campaign."""

    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_SURE = "cancel_sure"
    SHOW_AD = "ad"


class OnCampaign(CallbackData, prefix="camp"):
    """Data of a button on a campaign."""

    act: CampaignAct
    id: int


class OnPlacement(CallbackData, prefix="placement"):
    """Data of a button on a placement: withdraw it while it waits for moderation."""

    act: str
    id: int


class ChannelAct(StrEnum):
    """The actions of an owner on a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_SURE = "remove_sure"


class OnChannel(CallbackData, prefix="chan"):
    """Data of a button on a channel."""

    act: ChannelAct
    id: int


class ModerationAct(StrEnum):
    """The actions of an admin on a moderation card."""

    OPEN = "open"
    APPROVE = "approve"
    ASK_REASON = "ask"
    REJECT = "reject"
    CARD = "card"


class Moderate(CallbackData, prefix="mod"):
    """Data of a button on a moderation card; the reason is one of the presets."""

    act: ModerationAct
    id: int
    reason: str = ""


class SwitchAct(StrEnum):
    """The actions of an operator on a kill switch."""

    PANEL = "panel"
    ASK_STOP = "ask_stop"
    STOP = "stop"
    ASK_RUN = "ask_run"
    RUN = "run"


class OnSwitch(CallbackData, prefix="switch"):
    """Data of a button that stops or runs a kill switch; the reason is one of the presets."""

    act: SwitchAct
    key: str = ""
    reason: str = ""


class CloseIncident(CallbackData, prefix="incident"):
    """Data of a button that closes an incident after its violations are repaired."""

    id: int


class ShowQueue(CallbackData, prefix="queue"):
    """Data of a button that shows a page of the placements that wait for moderation."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """Data of a button that chooses the language of the bot's texts."""

    language: str


class ResolutionAct(StrEnum):
    """The actions of an admin on a post that may or may not be, or have stayed, in its channel."""

    CARD = "card"
    THERE = "there"
    ABSENT = "absent"
    REFUND = "refund"
    RELEASE = "release"
    WAIT = "wait"


class OnUncertainPost(CallbackData, prefix="uncertain"):
    """Data of a button on the card of such a post.

    The claim number shows whether the card is about the current doubt or about an earlier one.
    """

    act: ResolutionAct
    id: int
    claim: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """Data of a button that shows a page of the dead letters."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """Data of a button that shows a dead letter or offers it to its advertiser again."""

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """Data of a button that submits an offered placement again, on the terms of the offer."""

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """Data of a button that requests a withdrawal of the shown amount, in minor units.

    The idempotency key makes a second press the same request.
    """

    amount: int
    key: str


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """Data of a button that cancels the person's own withdrawal before it is approved."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """Data of a button that shows a page of the withdrawals that wait for staff."""

    page: int = 0


class WithdrawalAct(StrEnum):
    """The actions of an admin on a withdrawal."""

    CARD = "card"
    APPROVE = "approve"
    ASK_REFERENCE = "ask_paid"
    ASK_REASON = "ask"
    RETURN = "return"


class OnWithdrawal(CallbackData, prefix="withdrawal"):
    """Data of a button on the card of a withdrawal; the reason is one of the presets."""

    act: WithdrawalAct
    id: int
    reason: str = ""


class ShowDeposits(CallbackData, prefix="deposits"):
    """Data of a button that shows a page of the deposits."""

    page: int = 0


class ShowCorrections(CallbackData, prefix="corrections"):
    """Data of a button that shows a page of the corrections that wait."""

    page: int = 0


class CorrectionAct(StrEnum):
    """The actions of an admin on a proposed correction."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """Data of a button on the card of a correction; the reason is one of the presets."""

    act: CorrectionAct
    id: int
    reason: str = ""
