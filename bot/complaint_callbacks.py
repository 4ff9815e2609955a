"""Define the data in the buttons about complaints.

The database functions `open_complaint`, `take_complaint_step` and `republish_post` know the data of
`Complain`, `OnComplaint` and `DecideComplaint`.
"""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData

from db.models.complaints import ComplaintKind


class AskComplaint(CallbackData, prefix="complain_about"):
    """The data of a button that asks what is wrong with the post of a placement."""

    id: int


class Complain(CallbackData, prefix="complain"):
    """The data of a button with which an advertiser complains about a placement's post."""

    kind: ComplaintKind
    id: int


class ComplaintAct(StrEnum):
    """An action of a side about a complaint. Except for the first three, these are step kinds."""

    CARD = "card"
    EVIDENCE = "evidence"
    ASK_REPUBLISH = "republish"
    REPUBLISH = "republishing"
    CORRECT = "correcting"
    SATISFIED = "satisfied"
    DISPUTE = "disputed"
    ACCEPT = "accepted"
    APPEAL = "appealed"


class OnComplaint(CallbackData, prefix="complaint"):
    """The data of a button about a complaint."""

    act: ComplaintAct
    id: int


class ComplaintForm(StrEnum):
    """The name of a form about a complaint: the advertiser's own words, or the owner's answer."""

    WORDS = "words"
    ANSWER = "answer"


class OpenComplaintForm(CallbackData, prefix="complaint_form"):
    """The data of a button that opens a form. `id` is that of a placement, or of a complaint."""

    name: ComplaintForm
    id: int


class AskDecision(CallbackData, prefix="complaint_ask"):
    """The data of a button that asks an admin whether a decision is meant.

    `percent` is the owner's part, and `stage` is 1, or 2 about an appeal.
    """

    id: int
    percent: int
    stage: int


class DecideComplaint(CallbackData, prefix="complaint_decide"):
    """The data of the button that decides about a complaint, as `AskDecision` asks."""

    id: int
    percent: int
    stage: int
