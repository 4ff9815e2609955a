"""Define `Outgoing`, a message that is ready to be sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiogram.filters.callback_data import CallbackData
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot import names
from bot.callbacks import BESIDE, Go, OnPlacement, OpenForm
from bot.owner_callbacks import AcceptChange, OpenChangeForm
from bot.telegram import ad_messages
from services.market.creatives import Creative

LABEL_LENGTH = 64
"""The largest number of characters of a button's text."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove
_AWAY = tuple(
    f"{kind.__prefix__}{kind.__separator__}"
    for kind in (Go, OpenForm, OpenChangeForm, OnPlacement, AcceptChange)
)
"""The beginnings of the data of buttons that lead away from a notice."""
Rows = Sequence[Sequence[InlineKeyboardButton]]


@dataclass(frozen=True)
class Outgoing:
    """A message with a text and a keyboard. An `ad` is sent first, in messages of its own."""

    text: str
    keyboard: Keyboard | None = None
    ad: Creative | None = None

    @property
    def inline(self) -> InlineKeyboardMarkup | None:
        """The keyboard if it is an inline keyboard, else None."""
        return self.keyboard if isinstance(self.keyboard, InlineKeyboardMarkup) else None

    def methods(self, chat_id: int) -> list[TelegramMethod[Any]]:
        """Return the Bot API calls that send this message to a chat."""
        calls: list[TelegramMethod[Any]] = []
        if self.ad is not None:
            calls.append(ad_messages.message(chat_id, self.ad))
        calls.append(
            SendMessage(
                chat_id=chat_id,
                text=self.text,
                reply_markup=self.keyboard,
                link_preview_options=NO_PREVIEW,
            )
        )
        return calls


def button(text: str, action: CallbackData) -> InlineKeyboardButton:
    """Make an inline button. `action` is the data of the button.

    A text of more than LABEL_LENGTH characters is cut, so that it fits on a phone.
    """
    return InlineKeyboardButton(text=names.shorten(text, LABEL_LENGTH), callback_data=action.pack())


def receipt_button(text: str, action: CallbackData) -> InlineKeyboardButton:
    """Make a button whose screen opens in a new message. Its text is cut like that of `button`."""
    return InlineKeyboardButton(
        text=names.shorten(text, LABEL_LENGTH), callback_data=BESIDE + action.pack()
    )


def keep_notice(screen: Outgoing) -> Outgoing:
    """Return a notice whose buttons to other screens and forms open these in a new message.

    The buttons of a question stay as they are: its message then shows the answer.
    """
    if screen.inline is None:
        return screen
    lines = [
        [
            each.model_copy(update={"callback_data": f"{BESIDE}{each.callback_data}"})
            if (each.callback_data or "").startswith(_AWAY)
            else each
            for each in line
        ]
        for line in screen.inline.inline_keyboard
    ]
    return replace(screen, keyboard=rows(*lines))


def column(choices: Iterable[tuple[str, CallbackData]]) -> list[list[InlineKeyboardButton]]:
    """Make a row with one button for each pair of a text and its data."""
    return [[button(text, action)] for text, action in choices]


def grid(buttons: Iterable[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """Divide many short buttons into rows of two."""
    each = list(buttons)
    return [each[index : index + 2] for index in range(0, len(each), 2)]


def rows(*lines: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """Make an inline keyboard from rows of buttons. Empty rows are left out."""
    return InlineKeyboardMarkup(inline_keyboard=[list(line) for line in lines if line])
