"""A message that is ready to be sent: every screen makes one.

Texts are plain, without a parse mode, so that nothing in a person's text can become markup.
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

from bot.telegram import ad_messages
from services.market.creatives import Creative

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Keyboard = InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove
Rows = Sequence[Sequence[InlineKeyboardButton]]


@dataclass(frozen=True)
class Outgoing:
    """A text with its keyboard, after the ad itself where there is one to show."""

    text: str
    keyboard: Keyboard | None = None
    ad: Creative | None = None

    @property
    def inline(self) -> InlineKeyboardMarkup | None:
        """The keyboard if it is one that a message can be edited to."""
        return self.keyboard if isinstance(self.keyboard, InlineKeyboardMarkup) else None

    def methods(self, chat_id: int) -> list[TelegramMethod[Message]]:
        """Give what is to be sent to the chat, in order; the last one carries the keyboard."""
        sent: list[TelegramMethod[Message]] = []
        if self.ad is not None:
            sent.append(ad_messages.message(chat_id, self.ad))
        sent.append(
            SendMessage(
                chat_id=chat_id,
                text=self.text,
                reply_markup=self.keyboard,
                link_preview_options=NO_PREVIEW,
            )
        )
        return sent


def button(text: str, action: CallbackData) -> InlineKeyboardButton:
    """Make an inline button that carries one of the product's callbacks."""
    return InlineKeyboardButton(text=text, callback_data=action.pack())


def rows(*lines: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """Make an inline keyboard, leaving out empty rows."""
    return InlineKeyboardMarkup(inline_keyboard=[list(line) for line in lines if line])
