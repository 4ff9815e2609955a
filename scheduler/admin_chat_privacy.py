"""Find out whether strangers can read the admin chat."""

import time

from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.types import Message

from bot.admin_chat import AdminChat

ASK_SECONDS = 20.0
"""The shortest time between two requests to Telegram about the admin chat."""


class AdminChatPrivacy:
    """One process's knowledge about the admin chat. A group is public if it has a username."""

    def __init__(self, bot: Bot, admin_chat: AdminChat) -> None:
        self._bot = bot
        self._admin_chat = admin_chat
        self.last_known = False
        """True if Telegram's last answer says that the admin chat is public."""
        self._ask_after = 0.0

    async def refresh(self) -> None:
        """Ask Telegram whether the admin chat is public, at most once in ASK_SECONDS.

        Stores the answer in `last_known`. Must not be called in a transaction.
        """
        if time.monotonic() >= self._ask_after:
            self._ask_after = time.monotonic() + ASK_SECONDS
            try:
                chat = await self._bot.get_chat(self._admin_chat.id)
            except (TelegramAPIError, ClientDecodeError):
                return
            self.last_known = chat.username is not None

    def note(self, sent: Message) -> None:
        """Store whether the admin chat is public, if the sent message is in the admin chat."""
        if sent.chat.id == self._admin_chat.id:
            self.last_known = sent.chat.username is not None
