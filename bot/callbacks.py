"""What the product's stateless buttons carry: an act and an id, everything else is read again.

Telegram allows 64 bytes. The separator of aiogram-dialog never occurs here, so that a form's own
buttons can be told from these.
"""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class Place(StrEnum):
    """Where a navigation button leads."""

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
    """Show another screen; it changes nothing."""

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
    """Open a form; the id is the campaign's or the channel's."""

    name: FormName
    id: int = 0


class CampaignAct(StrEnum):
    """What an advertiser does with a campaign."""

    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    CANCEL_SURE = "cancel_sure"
    SHOW_AD = "ad"


class OnCampaign(CallbackData, prefix="camp"):
    """Act on a campaign."""

    act: CampaignAct
    id: int


class OnPlacement(CallbackData, prefix="placement"):
    """Take a placement back that waits for moderation."""

    act: str
    id: int


class ChannelAct(StrEnum):
    """What an owner does with a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_SURE = "remove_sure"


class OnChannel(CallbackData, prefix="chan"):
    """Act on a channel."""

    act: ChannelAct
    id: int


class ModerationAct(StrEnum):
    """What an admin does with a card."""

    OPEN = "open"
    APPROVE = "approve"
    ASK_REASON = "ask"
    REJECT = "reject"
    CARD = "card"


class Moderate(CallbackData, prefix="mod"):
    """Decide on a placement, or show its card again; the reason is one of the presets."""

    act: ModerationAct
    id: int
    reason: str = ""


class SwitchAct(StrEnum):
    """What an operator does with a switch."""

    PANEL = "panel"
    ASK_STOP = "ask_stop"
    STOP = "stop"
    ASK_RUN = "ask_run"
    RUN = "run"


class OnSwitch(CallbackData, prefix="switch"):
    """Stop or run a part of the product; the reason is one of the presets."""

    act: SwitchAct
    key: str = ""
    reason: str = ""


class CloseIncident(CallbackData, prefix="incident"):
    """Close an incident, once what it saw is repaired."""

    id: int


class ShowQueue(CallbackData, prefix="queue"):
    """Page through what waits for moderation."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """Choose the language of the product's words."""

    language: str


class ResolutionAct(StrEnum):
    """What an admin does about a post of which nobody knows whether it is, or stayed, there."""

    CARD = "card"
    THERE = "there"
    ABSENT = "absent"
    REFUND = "refund"
    RELEASE = "release"
    WAIT = "wait"


class OnUncertainPost(CallbackData, prefix="uncertain"):
    """Decide on a doubtful post; the claim tells a card of an earlier doubt from today's."""

    act: ResolutionAct
    id: int
    claim: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """Page through the posts that failed for good."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """Show one of them, or offer it to its advertiser again."""

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """Submit an offered placement anew, on the terms that the offer showed."""

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """Ask for the amount that the button showed; the key makes a second press the first one."""

    amount: int
    key: str


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """Take one's own withdrawal back, while nobody has approved it."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """Page through the withdrawals that wait for staff."""

    page: int = 0


class WithdrawalAct(StrEnum):
    """What an admin does with a withdrawal."""

    CARD = "card"
    APPROVE = "approve"
    ASK_REFERENCE = "ask_paid"
    ASK_REASON = "ask"
    RETURN = "return"


class OnWithdrawal(CallbackData, prefix="withdrawal"):
    """Decide on a withdrawal, or show its card again; the reason is one of the presets."""

    act: WithdrawalAct
    id: int
    reason: str = ""


class ShowDeposits(CallbackData, prefix="deposits"):
    """Page through the deposits."""

    page: int = 0


class ShowCorrections(CallbackData, prefix="corrections"):
    """Page through the repairs of the books that wait."""

    page: int = 0


class CorrectionAct(StrEnum):
    """What an admin does with a proposed repair."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """Decide on a repair, or show its card again; the reason is one of the presets."""

    act: CorrectionAct
    id: int
    reason: str = ""
