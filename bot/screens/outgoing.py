"""Define a message that is ready to be sent; every screen builds one.

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
    """A text with its keyboard; if `ad` is set, the ad is sent first as a message of its own."""

    text: str
    keyboard: Keyboard | None = None
    ad: Creative | None = None

    @property
    def inline(self) -> InlineKeyboardMarkup | None:
        """The keyboard, if it is an inline one: a message can be edited to no other kind."""
        return self.keyboard if isinstance(self.keyboard, InlineKeyboardMarkup) else None

    def methods(self, chat_id: int) -> list[TelegramMethod[Message]]:
        """Return the calls that send this to a chat, in order; the last has the keyboard."""
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
    """Make an inline button that carries one of the product's callbacks."""
    return InlineKeyboardButton(text=text, callback_data=action.pack())


def rows(*lines: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup:
    """Make an inline keyboard without the empty rows."""
    return InlineKeyboardMarkup(inline_keyboard=[list(line) for line in lines if line])
