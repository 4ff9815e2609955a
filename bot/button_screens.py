"""Find the screen to show after a press of a button in a very old message."""

from collections.abc import Callable

from aiogram.filters.callback_data import CallbackData

from bot.callbacks import (
    BESIDE,
    CancelPlacement,
    CancelWithdrawal,
    CancelWithdrawalConfirmed,
    CorrectionAct,
    Go,
    Moderate,
    ModerationAct,
    OnCampaign,
    OnChannel,
    OnCorrection,
    OnDeadLetter,
    OnPlacement,
    OnStaffRequest,
    OnUncertainPost,
    OnWithdrawal,
    RequestAct,
    ResolutionAct,
    Screen,
    ShowCorrections,
    ShowDeadLetters,
    ShowDeposits,
    ShowQueue,
    ShowStaffRequests,
    ShowWithdrawals,
    StatePublished,
    StatePublishedConfirmed,
    Withdraw,
    WithdrawalAct,
)
from bot.card_callbacks import BuyFor, BuyHere, DrawGrowth, MarkFavourite, ShowCard
from bot.operator_callbacks import (
    DrawReport,
    IncidentAct,
    LaunchAct,
    Look,
    OnIncident,
    OnLaunch,
    OnSwitch,
    RunSwitch,
    ShowReport,
    SignLaunch,
    SwitchAct,
)
from bot.result_callbacks import (
    CampaignResults,
    CountAct,
    CountClicks,
    PlacementResults,
    Results,
    ShowLinks,
)
from bot.screens import dead_letters

_READ_ONLY = (
    Go,
    ShowCorrections,
    ShowDeadLetters,
    ShowDeposits,
    ShowQueue,
    ShowStaffRequests,
    ShowWithdrawals,
    Look,
    ShowReport,
    ShowCard,
)
_SCREENS: dict[type[CallbackData], Callable[..., CallbackData]] = {
    OnCampaign: lambda pressed: Go(screen=Screen.CAMPAIGN, id=pressed.id),
    CountClicks: lambda pressed: CountClicks(act=CountAct.ASK, id=pressed.id),
    ShowLinks: lambda pressed: Go(screen=Screen.PLACEMENT, id=pressed.id),
    PlacementResults: lambda pressed: PlacementResults(form=Results.SCREEN, id=pressed.id),
    CampaignResults: lambda pressed: CampaignResults(form=Results.SCREEN, id=pressed.id),
    OnPlacement: lambda pressed: Go(screen=Screen.PLACEMENT, id=pressed.id),
    CancelPlacement: lambda pressed: Go(screen=Screen.PLACEMENT, id=pressed.id),
    OnChannel: lambda pressed: Go(screen=Screen.CHANNEL, id=pressed.id),
    BuyHere: lambda pressed: ShowCard(id=pressed.id),
    BuyFor: lambda pressed: ShowCard(id=pressed.channel),
    MarkFavourite: lambda pressed: ShowCard(id=pressed.id),
    DrawGrowth: lambda pressed: ShowCard(id=pressed.id),
    Withdraw: lambda _pressed: Go(screen=Screen.WALLET),
    CancelWithdrawal: lambda _pressed: Go(screen=Screen.WITHDRAWALS),
    CancelWithdrawalConfirmed: lambda _pressed: Go(screen=Screen.WITHDRAWALS),
    Moderate: lambda pressed: Moderate(act=ModerationAct.CARD, id=pressed.id),
    OnSwitch: lambda _pressed: OnSwitch(act=SwitchAct.PANEL),
    RunSwitch: lambda _pressed: OnSwitch(act=SwitchAct.PANEL),
    OnIncident: lambda _pressed: OnIncident(act=IncidentAct.LIST),
    OnLaunch: lambda _pressed: OnLaunch(act=LaunchAct.SHOW),
    SignLaunch: lambda _pressed: OnLaunch(act=LaunchAct.SHOW),
    OnStaffRequest: lambda pressed: OnStaffRequest(act=RequestAct.CARD, id=pressed.id),
    DrawReport: lambda pressed: ShowReport(name=pressed.name),
    OnDeadLetter: lambda pressed: OnDeadLetter(act=dead_letters.OPEN, id=pressed.id),
    OnUncertainPost: lambda pressed: OnUncertainPost(
        act=ResolutionAct.CARD, id=pressed.id, claim=pressed.claim
    ),
    StatePublished: lambda pressed: OnUncertainPost(
        act=ResolutionAct.CARD, id=pressed.id, claim=pressed.claim
    ),
    StatePublishedConfirmed: lambda pressed: OnUncertainPost(
        act=ResolutionAct.CARD, id=pressed.id, claim=pressed.claim
    ),
    OnWithdrawal: lambda pressed: OnWithdrawal(act=WithdrawalAct.CARD, id=pressed.id),
    OnCorrection: lambda pressed: OnCorrection(act=CorrectionAct.CARD, id=pressed.id),
}
_KINDS: list[type[CallbackData]] = [*_READ_ONLY, *_SCREENS]
_BY_PREFIX = {kind.__prefix__: kind for kind in _KINDS}


def screen_data(data: str, *, staff: bool) -> str | None:
    """Return the data of a button that shows the screen of the pressed button.

    `data` is the data of the pressed button. If there is no such screen, the result is None for the
    staff and the data of the menu for anybody else.
    """
    data = data.removeprefix(BESIDE)
    kind = _BY_PREFIX.get(data.partition(":")[0])
    try:
        pressed = kind.unpack(data) if kind else None
    except (TypeError, ValueError):
        pressed = None
    if pressed is None:
        return None if staff else Go(screen=Screen.MENU).pack()
    show = _SCREENS.get(type(pressed))
    return (show(pressed) if show else pressed).pack()
