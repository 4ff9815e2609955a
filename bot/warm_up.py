"""Build slow objects before a process takes work."""

from datetime import UTC, datetime
from typing import Any

from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendChatAction, TelegramMethod
from aiogram.types import InaccessibleMessage, Update
from sqlalchemy.orm import configure_mappers

from bot import texts
from bot.callbacks import Go, Screen
from bot.screens import outgoing
from bot.telegram import bounded_session

_CHAT = {"id": 1, "type": "private"}
_PERSON = {"id": 1, "is_bot": False, "first_name": "-"}
_MESSAGE = {"message_id": 1, "date": 1, "chat": _CHAT, "from": _PERSON, "text": "-"}


def build() -> None:
    """Build the objects that the first message and the first press of a button need.

    Otherwise the first people would wait for them, each for a second.
    """
    build_texts()
    keyboard = outgoing.rows([outgoing.button("-", Go(screen=Screen.MENU))])
    shown = _MESSAGE | {"reply_markup": keyboard.model_dump(exclude_none=True)}
    press = {"id": "1", "from": _PERSON, "message": shown, "chat_instance": "1", "data": "-"}
    contents: list[dict[str, Any]] = [{"message": _MESSAGE}, {"callback_query": press}]
    for content in contents:
        Update.model_validate({"update_id": 1} | content)
    InaccessibleMessage.model_validate({"chat": _CHAT, "message_id": 1, "date": 0})
    screen = outgoing.Outgoing("-", keyboard)
    preview = outgoing.NO_PREVIEW
    methods: list[TelegramMethod[Any]] = [
        *screen.methods(1),
        EditMessageText(text="-", reply_markup=keyboard, link_preview_options=preview),
        AnswerCallbackQuery(callback_query_id="1"),
        SendChatAction(chat_id=1, action="typing"),
    ]
    for method in methods:
        method.model_dump()
        bounded_session.model_of(method).model_validate({"ok": False})


def build_texts() -> None:
    """Build the mappers of the tables, and the texts that the first message needs."""
    configure_mappers()
    for language in texts.LANGUAGES:
        said = texts.Texts(language, "USD")
        said.money(1)
        said.time(datetime.now(UTC))
        said("campaigns")
