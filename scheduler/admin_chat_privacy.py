"""Find out whether the admin chat is public, so that strangers do not read the staff's messages."""

import time

from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.types import Message

from bot.admin_chat import AdminChat

LOOK_SECONDS = 20.0
"""The shortest time between two questions to Telegram."""


class AdminChatPrivacy:
    """What one process knows about the privacy of the admin chat. A public group has a username."""

    def __init__(self, bot: Bot, admin_chat: AdminChat) -> None:
        """Start without knowledge. Telegram is asked at the first call of `look`."""
        self._bot = bot
        self._admin_chat = admin_chat
        self.last_known = False
        """Whether the admin chat is public, as far as this process knows."""
        self._look_after = 0.0

    async def look(self) -> None:
        """Ask Telegram whether the admin chat is public, at most once in LOOK_SECONDS.

        The answer is stored in `last_known`. If Telegram does not answer, the value stays. Must not
        be called in a transaction.
        """
        if time.monotonic() >= self._look_after:
            self._look_after = time.monotonic() + LOOK_SECONDS
            try:
                chat = await self._bot.get_chat(self._admin_chat.id)
            except (TelegramAPIError, ClientDecodeError):
                return
            self.last_known = chat.username is not None

    def note(self, sent: Message) -> None:
        """Store whether the admin chat is public, as Telegram's answer to a sent message shows.

        A message that was sent to another chat changes nothing.
        """
        if sent.chat.id == self._admin_chat.id:
            self.last_known = sent.chat.username is not None
