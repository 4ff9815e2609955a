"""Builds models, texts and mappers before a process takes work."""

from datetime import UTC, datetime

from aiogram.methods import ForwardMessage, GetChatMember, SendMessage
from aiogram.methods.base import Response
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message, User
from sqlalchemy.orm import configure_mappers

from bot import texts
from bot.telegram import ad_messages
from services.market.creatives import Creative

ANSWERS = (Response[Message], Response[User])
"""Held here, as a generic model that nobody holds is forgotten and built anew."""


def build() -> None:
    """Builds what would be built at its first use, which takes a second: while nobody waits."""
    configure_mappers()
    for language in texts.LANGUAGES:
        said = texts.Texts(language, "USD")
        said.money(1)
        said.time(datetime.now(UTC))
        said("campaigns")
    ad = Creative(kind="text", text="-", button_text="-", button_url="https://example.com/")
    ad_messages.message(1, ad)
    ad_messages.edit(1, 1, ad)
    ad_messages.edit_button(1, 1, ad)
    GetChatMember(chat_id=1, user_id=1)
    ForwardMessage(chat_id=1, from_chat_id=1, message_id=1)
    person = {"id": 1, "is_bot": True, "first_name": "-"}
    button = {"text": "-", "callback_data": "-"}
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 1, "type": "private", "first_name": "-"},
        "from": person,
        "text": "-",
        "entities": [{"type": "bold", "offset": 0, "length": 1}],
        "reply_markup": {"inline_keyboard": [[button]]},
    }
    ANSWERS[0].model_validate({"ok": True, "result": message})
    ANSWERS[1].model_validate({"ok": True, "result": person})
    InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="-", callback_data="-")]])
    SendMessage(chat_id=1, text="-")
