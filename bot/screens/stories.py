"""Build the texts about what has happened with a placement."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.callbacks import Go, Screen
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from services.market.stories import Step

SHOWN = 8
"""How many of the newest steps the screen of a placement shows."""
WISH_LENGTH = 120
"""How many characters of a wish in words a step shows, because a message has 4096."""
_AMOUNTS = frozenset({"paid", "refunded"})
_REASONS = {
    "declined": "decline-reason",
    "rejected": "reject-reason",
    "cancelled": "cancel-reason",
}
"""The texts of the reasons of steps."""


def newest(t: Texts, story: Sequence[Step], *, to: str) -> str:
    """Build the text of the newest steps of a placement.

    `to` names the reader: `advertiser` or `owner`. One line says how many earlier steps there are.
    """
    lines = [t("story")]
    if len(story) > SHOWN:
        lines.append(t("story-earlier", count=len(story) - SHOWN))
    return "\n".join(lines + [line(t, step, to=to) for step in story[-SHOWN:]])


def story_page(t: Texts, target_id: int, page: Page[Step], *, to: str) -> Outgoing:
    """Build one page of all steps of a placement, the oldest first."""
    return Outgoing(
        "\n".join(
            [t("story-of", id=str(target_id)), *(line(t, step, to=to) for step in page.rows)]
        ),
        rows(
            page.buttons(t, lambda number: Go(screen=Screen.STORY, id=target_id, page=number)),
            [button(t("back"), Go(screen=Screen.PLACEMENT, id=target_id))],
        ),
    )


def buttons(t: Texts, target_id: int, story: Sequence[Step]) -> list[InlineKeyboardButton]:
    """Make the button to the whole story, if the screen of the placement shows only a part."""
    if len(story) <= SHOWN:
        return []
    return [button(t("story-open"), Go(screen=Screen.STORY, id=target_id))]


def line(t: Texts, step: Step, *, to: str) -> str:
    """Build the line of one step, with its time in the reader's zone."""
    what = t(
        "story-step",
        what=step.what,
        to=to,
        version=step.version,
        who=step.who,
        reason=_reason(t, step),
        count=step.number or 0,
        amount=t.money(step.number or 0) if step.what in _AMOUNTS else "",
    )
    return t("story-line", at=t.time(step.at), what=what)


def _reason(t: Texts, step: Step) -> str:
    """Return the text of a step's reason, or an empty text."""
    if not step.reason:
        return ""
    if step.what == "asked":
        wish = names.shorten(t("change-reason", reason=step.reason), WISH_LENGTH)
        return t("story-wish", wish=wish, kind=step.reason)
    if step.what == "checked":
        return t("story-verdict", verdict=step.reason)
    if step.what == "refunded":
        return t("refund-reason", reason=step.reason)
    text = _REASONS.get(step.what)
    return t(text, reason=step.reason) if text else step.reason
