"""Make the buttons of a placement's screen that complain, or open a complaint."""

from aiogram.types import InlineKeyboardButton

from bot.complaint_callbacks import AskComplaint, ComplaintAct, OnComplaint
from bot.screens.outgoing import button
from bot.texts import Texts
from services.market.placements import Placement


def of_placement(
    t: Texts, row: Placement, *, to_advertiser: bool
) -> list[list[InlineKeyboardButton]]:
    """Make the button to the last complaint about a placement, and the one for a new complaint.

    `to_advertiser` says that the reader is the advertiser, who can complain.
    """
    found = []
    if row.complaint_id is not None:
        show = OnComplaint(act=ComplaintAct.CARD, id=row.complaint_id)
        found.append([button(t("complaint-open"), show)])
    if to_advertiser and row.may_complain:
        found.append([button(t("complaint-new"), AskComplaint(id=row.target_id))])
    return found
