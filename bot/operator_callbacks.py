"""Define the data in the buttons of operators: switches, incidents, reports and the launch."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class SwitchAct(StrEnum):
    """An operator's action for a kill switch."""

    PANEL = "panel"
    ASK_STOP = "ask_stop"
    STOP = "stop"
    ASK_RUN = "ask_run"


class OnSwitch(CallbackData, prefix="switch"):
    """The data of a button about a kill switch.

    `key` is the switch's name. `key` and `reason` are empty if the action does not need them.
    """

    act: SwitchAct
    key: str = ""
    reason: str = ""


class RunSwitch(CallbackData, prefix="switch_run"):
    """The data of a button that runs a stopped kill switch.

    `change` is the number of the switch's last change when the bot asked.
    """

    key: str
    reason: str
    change: int


class Sight(StrEnum):
    """A thing at which an operator looks: the health or the ledger."""

    HEALTH = "health"
    LEDGER = "ledger"


class Look(CallbackData, prefix="look"):
    """The data of a button that reads the health or checks the ledger, and shows the result."""

    what: Sight


class IncidentAct(StrEnum):
    """An operator's action for open incidents."""

    LIST = "list"
    CLOSE = "close"
    CLOSE_CONFIRMED = "close_sure"


class OnIncident(CallbackData, prefix="incident"):
    """The data of a button that shows or closes incidents."""

    act: IncidentAct
    id: int = 0


class LaunchAct(StrEnum):
    """An operator's action for the launch."""

    SHOW = "show"
    CHECK = "check"
    NEXT = "next"
    ASK_SIGN = "ask_sign"


class OnLaunch(CallbackData, prefix="launch"):
    """The data of a button about the launch.

    `phase` is the phase that begins. `role` is the role in which a person signs.
    """

    act: LaunchAct
    phase: int = 0
    role: str = ""


class SignLaunch(CallbackData, prefix="launch_sign"):
    """The data of the button that signs the launch.

    The database function `record_launch_check` reads this data in the stored press.
    """

    role: str


class ShowReport(CallbackData, prefix="report"):
    """The data of a button that shows a page of a report, or the list of reports without a name."""

    name: str = ""
    page: int = 0


class DrawReport(CallbackData, prefix="picture"):
    """The data of a button that draws a report about days as a picture."""

    name: str


class PayoutWaitAct(StrEnum):
    """An admin's action for releases that wait because a channel has another creator."""

    SHOW = "show"
    ASK = "ask"
    END = "end"


class OnPayoutWait(CallbackData, prefix="pay_wait"):
    """The data of a button about such a wait. The database function `end_payout_wait` knows it."""

    act: PayoutWaitAct
    id: int


class ShowStaff(CallbackData, prefix="staff"):
    """The data of a button that shows a page of the people with a staff role."""

    page: int = 0
