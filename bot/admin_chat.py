"""Keep the present id of the admin chat, which changes when its group becomes a supergroup."""

import time

from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.platform import chat_migrations

ASK_SECONDS = 10.0
"""The shortest time between two questions to Telegram about a move, in seconds."""


class AdminChat:
    """The id of the admin chat, as one process knows it."""

    def __init__(self, configured_id: int, sessions: Sessions) -> None:
        """Start with the id from the settings. This id can be old."""
        self.id = configured_id
        self.unconfirmed_ids: frozenset[int] = frozenset()
        """The ids of possible new admin chats that no super admin has confirmed."""
        self.configured_id = configured_id
        self._sessions = sessions
        self._ask_after = 0.0
        self._started_reads = 0
        self._applied_read = 0

    async def refresh(self, session: AsyncSession) -> None:
        """Read `id` and `unconfirmed_ids` from the database."""
        self._started_reads += 1
        this_read = self._started_reads
        chat_id = await chat_migrations.current_chat_id(session, self.configured_id)
        unconfirmed_ids = await chat_migrations.unconfirmed_chat_ids(session, chat_id)
        # An earlier call may have read the table before a move was recorded.
        if this_read > self._applied_read:
            self._applied_read = this_read
            self.id, self.unconfirmed_ids = chat_id, unconfirmed_ids

    async def follow(self, old_chat_id: int, new_chat_id: int) -> bool:
        """Record a chat's new id if the chat is the admin chat.

        Returns True for the admin chat, even if a super admin must still confirm the move. Returns
        False for any other chat.
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
        """Return whether the caller may now ask Telegram for the admin chat's id.

        After True, the result is False for ASK_SECONDS.
        """
        now = time.monotonic()
        if now < self._ask_after:
            return False
        self._ask_after = now + ASK_SECONDS
        return True
