"""Define `Outgoing`, a message that is ready to be sent. Every screen is such a message.

The texts are sent without a parse mode, so Telegram reads no part of a text as formatting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiogram.filters.callback_data import CallbackData
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from bot.callbacks import BESIDE
from bot.telegram import ad_messages
from services.market.creatives import Creative

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove
Rows = Sequence[Sequence[InlineKeyboardButton]]


@dataclass(frozen=True)
class Outgoing:
    """A message with a text and a keyboard.

    If `ad` is set, the ad is sent first, in another message.
    """

    text: str
    keyboard: Keyboard | None = None
    ad: Creative | None = None

    @property
    def inline(self) -> InlineKeyboardMarkup | None:
        """The keyboard if it is an inline keyboard, else None.

        An edit of a message can set only an inline keyboard.
        """
        return self.keyboard if isinstance(self.keyboard, InlineKeyboardMarkup) else None

    def methods(self, chat_id: int) -> list[TelegramMethod[Message]]:
        """Return the Bot API calls that send this message to a chat.

        If there is an ad, the first call sends the ad, and the second call sends the text.
        """
        calls: list[TelegramMethod[Message]] = []
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
    """Make an inline button. `action` is the data of the button (see `bot.callbacks`)."""
    return InlineKeyboardButton(text=text, callback_data=action.pack())


def receipt_button(text: str, action: CallbackData) -> InlineKeyboardButton:
    """Make a button for a receipt (a message that the person keeps).

    The screen of the button opens in a new message.
    """
    return InlineKeyboardButton(text=text, callback_data=BESIDE + action.pack())


def rows(*lines: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """Make an inline keyboard from rows of buttons. Empty rows are left out."""
    return InlineKeyboardMarkup(inline_keyboard=[list(line) for line in lines if line])
