"""Keep the present id of the admin chat.

Telegram gives the chat a new id when its group becomes a supergroup.
"""

import time

from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.platform import chat_migrations

LOOK_SECONDS = 10.0
"""The bot asks Telegram at most one time in this number of seconds whether the admin chat has
moved."""


class AdminChat:
    """The id of the admin chat, as one process knows it."""

    def __init__(self, configured_id: int, sessions: Sessions) -> None:
        """Start with `configured_id`, the admin chat's id in the settings.

        This id can be old. The method `refresh` reads the present id.
        """
        self.id = configured_id
        """The present id, as this process knows it."""
        self.unconfirmed_ids: frozenset[int] = frozenset()
        """The ids of chats to which the admin chat may have moved. No super admin has confirmed
        these moves yet."""
        self.configured_id = configured_id
        """The id in the settings."""
        self._sessions = sessions
        self._look_after = 0.0
        self._started_reads = 0
        self._applied_read = 0

    async def refresh(self, session: AsyncSession) -> None:
        """Read the admin chat's present id from the database, and set `id` and `unconfirmed_ids`.

        If several tasks call this method at the same time, the object keeps the result of the call
        that began last.
        """
        self._started_reads += 1
        this_read = self._started_reads
        chat_id = await chat_migrations.current_chat_id(session, self.configured_id)
        unconfirmed_ids = await chat_migrations.unconfirmed_chat_ids(session, chat_id)
        # An earlier call may have read the table before a move was recorded.
        if this_read > self._applied_read:
            self._applied_read = this_read
            self.id, self.unconfirmed_ids = chat_id, unconfirmed_ids

    async def follow(self, old_chat_id: int, new_chat_id: int) -> bool:
        """Record that Telegram gave a chat a new id, if the chat is the admin chat.

        Returns True if `new_chat_id` is now the admin chat's id. Also returns True if a super admin
        has to confirm first that the admin chat has moved to `new_chat_id`. For any other chat,
        nothing is recorded, and the result is False.
        """
        async with self._sessions.begin() as session:
            await chat_migrations.record_migration(
                session,
                admin_chat_id=self.configured_id,
                old_chat_id=old_chat_id,
                new_chat_id=new_chat_id,
            )
        async with self._sessions.begin() as session:
            await self.refresh(session)
        return new_chat_id == self.id or new_chat_id in self.unconfirmed_ids

    def may_ask(self) -> bool:
        """Return whether the caller is allowed to ask Telegram now if the admin chat has moved.

        If the result is True, the next results are False for LOOK_SECONDS.
        """
        now = time.monotonic()
        if now < self._look_after:
            return False
        self._look_after = now + LOOK_SECONDS
        return True
