"""Build the summary of the notices that a person has missed."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.callbacks import BESIDE, Go, Screen
from bot.screens.outgoing import Outgoing, receipt_button, rows
from bot.texts import Texts

LINE_LENGTH = 120
"""How many characters of each notice the summary shows."""
_SHOWN = f"{BESIDE}{Go.__prefix__}{Go.__separator__}"


def summary(t: Texts, notices: Sequence[Outgoing], *, more: int) -> Outgoing:
    """Build the summary: a line and a button for each notice. `more` notices are only counted."""
    lines = [
        t("missed-line", number=str(number), text=_first_line(notice.text))
        for number, notice in enumerate(notices, 1)
    ]
    if more:
        lines.append(t("missed-more", count=more))
    buttons = [
        [found]
        for number, notice in enumerate(notices, 1)
        if (found := _button(number, notice)) is not None
    ]
    wallet = receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))
    menu = receipt_button(t("missed-menu"), Go(screen=Screen.MENU))
    return Outgoing("\n\n".join([t("missed"), *lines]), rows(*buttons, [wallet, menu]))


def _first_line(words: str) -> str:
    return names.shorten(words.strip().partition("\n")[0], LINE_LENGTH)


def _button(number: int, notice: Outgoing) -> InlineKeyboardButton | None:
    """Return the notice's first button that shows something, with the number of its line."""
    buttons = (
        [each for line in notice.inline.inline_keyboard for each in line] if notice.inline else []
    )
    for each in buttons:
        if each.url or (each.callback_data or "").startswith(_SHOWN):
            return each.model_copy(update={"text": f"{number}. {each.text}"})
    return None
