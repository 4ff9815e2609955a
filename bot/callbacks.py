"""Define the data of the product's stateless buttons: an act and an id.

Everything else is read again when a button is pressed. Telegram allows 64 bytes. The separator of
aiogram-dialog never occurs here, so that these buttons can be told apart from those of forms.
"""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class Screen(StrEnum):
    """A screen that a navigation button shows."""

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
    """Show another screen; the button changes nothing."""

    screen: Screen
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
    CANCEL_CONFIRMED = "cancel_sure"
    SHOW_AD = "ad"


class OnCampaign(CallbackData, prefix="camp"):
    """Act on a campaign."""

    act: CampaignAct
    id: int


class OnPlacement(CallbackData, prefix="placement"):
    """Withdraw a placement that waits for moderation."""

    act: str
    id: int


class ChannelAct(StrEnum):
    """What an owner does with a channel."""

    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    REMOVE_CONFIRMED = "remove_sure"


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
    """Close an incident after its violations are repaired."""

    id: int


class ShowQueue(CallbackData, prefix="queue"):
    """Show a page of the placements that wait for moderation."""

    page: int = 0


class ChooseLanguage(CallbackData, prefix="lang"):
    """Choose the language of the product's texts."""

    language: str


class ResolutionAct(StrEnum):
    """What an admin does about an uncertain or an unseen post."""

    CARD = "card"
    THERE = "there"
    ABSENT = "absent"
    REFUND = "refund"
    RELEASE = "release"
    WAIT = "wait"


class OnUncertainPost(CallbackData, prefix="uncertain"):
    """Decide on an uncertain or unseen post; the claim tells an old card from the present one."""

    act: ResolutionAct
    id: int
    claim: int


class ShowDeadLetters(CallbackData, prefix="dlq"):
    """Show a page of the dead letters."""

    page: int = 0


class OnDeadLetter(CallbackData, prefix="dead"):
    """Show a dead letter, or offer it to its advertiser again."""

    act: str
    id: int


class Retry(CallbackData, prefix="retry"):
    """Submit an offered placement again on the terms of the offer; the price is in minor units."""

    id: int
    price: int
    hours: int


class Withdraw(CallbackData, prefix="withdraw"):
    """Request the amount that the button shows, in minor units.

    The key makes a second press repeat the first one instead of requesting again.
    """

    amount: int
    key: str


class CancelWithdrawal(CallbackData, prefix="cancel"):
    """Cancel one's own withdrawal that nobody has approved yet."""

    id: int


class ShowWithdrawals(CallbackData, prefix="withdrawals"):
    """Show a page of the withdrawals that wait for staff."""

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
    """Show a page of the deposits."""

    page: int = 0


class ShowCorrections(CallbackData, prefix="corrections"):
    """Show a page of the corrections that wait."""

    page: int = 0


class CorrectionAct(StrEnum):
    """What an admin does with a correction."""

    CARD = "card"
    ASK_CONFIRM = "ask_yes"
    CONFIRM = "yes"
    ASK_REFUSE = "ask_no"
    REFUSE = "no"


class OnCorrection(CallbackData, prefix="correction"):
    """Decide on a correction, or show its card again; the reason is one of the presets."""

    act: CorrectionAct
    id: int
    reason: str = ""
