"""Find out whether the admin chat is public. Strangers can read a public chat."""

import time

from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError
from aiogram.types import Message

from bot.admin_chat import AdminChat

LOOK_SECONDS = 20.0
"""The shortest time between two requests to Telegram about the admin chat."""


class AdminChatPrivacy:
    """The knowledge of one process about the privacy of the admin chat.

    A group is public if it has a username.
    """

    def __init__(self, bot: Bot, admin_chat: AdminChat) -> None:
        """Start without knowledge. The first call of `look` asks Telegram."""
        self._bot = bot
        self._admin_chat = admin_chat
        self.last_known = False
        """True if Telegram's last answer says that the admin chat is public.

        False before the first answer.
        """
        self._look_after = 0.0

    async def look(self) -> None:
        """Ask Telegram whether the admin chat is public, at most one time in LOOK_SECONDS.

        The answer is stored in `last_known`. If Telegram does not answer, `last_known` does not
        change. This function must not be called in a transaction.
        """
        if time.monotonic() >= self._look_after:
            self._look_after = time.monotonic() + LOOK_SECONDS
            try:
                chat = await self._bot.get_chat(self._admin_chat.id)
            except (TelegramAPIError, ClientDecodeError):
                return
            self.last_known = chat.username is not None

    def note(self, sent: Message) -> None:
        """Read from a message that was just sent whether the admin chat is public, and store this.

        If the message was sent to another chat, nothing changes.
        """
        if sent.chat.id == self._admin_chat.id:
            self.last_known = sent.chat.username is not None
