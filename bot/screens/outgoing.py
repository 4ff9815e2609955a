"""Define `Outgoing`, a message that is ready to be sent. Every screen is such a message.

Texts are sent without a parse mode. Therefore nothing in a person's text can become formatting.
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
        """The keyboard if it is inline, else None.

        An edit of a message can only set an inline keyboard.
        """
        return self.keyboard if isinstance(self.keyboard, InlineKeyboardMarkup) else None

    def methods(self, chat_id: int) -> list[TelegramMethod[Message]]:
        """Return the Bot API calls that send this message to a chat.

        The last call has the keyboard.
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
    """Make an inline button with the data of one of the classes in `bot.callbacks`."""
    return InlineKeyboardButton(text=text, callback_data=action.pack())


def receipt_button(text: str, action: CallbackData) -> InlineKeyboardButton:
    """Make a button for a receipt (a message to keep). Its screen opens in a new message."""
    return InlineKeyboardButton(text=text, callback_data=BESIDE + action.pack())


def rows(*lines: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """Make an inline keyboard from rows of buttons, without the empty rows."""
    return InlineKeyboardMarkup(inline_keyboard=[list(line) for line in lines if line])
