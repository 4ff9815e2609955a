"""Collect Telegram's updates about the reactions to posts, and store the last number of each.

Such an update does not go through the inbox. It has the whole number of reactions, so the last
update about a post replaces the ones before it, and a lost one is made up for by the next.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from bot import metrics
from db.session import Sessions, is_away, is_conflict
from services.market import channel_activity

KIND = "message_reaction_count"
"""The type of the updates, by Telegram's name."""
STORE_SECONDS = 10.0
"""The pause between two writes, in seconds."""
MAX_POSTS = 5_000
"""The largest number of posts whose reactions wait to be stored. Above it, others are left out."""
MOST = 10**12
"""A greater number of reactions, or of an id's digits, is not believed."""
log = structlog.get_logger(__name__)


class ReactionCounts:
    """The numbers of reactions that a process has heard of and not stored yet."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], int] = {}

    def take(self, updates: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Remember the numbers of reactions in reduced updates, and return the other updates.

        An update that cannot be read is left out.
        """
        others = []
        for update in updates:
            if KIND not in update:
                others.append(update)
                continue
            metrics.UPDATES.labels(KIND).inc()
            told = _read(update[KIND])
            if told is not None:
                self._remember(*told)
        return others

    def _remember(self, post: tuple[int, int], reactions: int) -> None:
        if post in self._waiting or len(self._waiting) < MAX_POSTS:
            self._waiting[post] = reactions

    async def store(self, sessions: Sessions) -> None:
        """Store and commit the numbers that wait. If this fails, they go on waiting."""
        told, self._waiting = self._waiting, {}
        if not told:
            return
        try:
            async with sessions.begin() as session:
                await channel_activity.set_reactions(session, told)
        except BaseException:
            newer, self._waiting = self._waiting, told
            for post, reactions in newer.items():
                self._remember(post, reactions)
            raise

    async def keep_storing(self, sessions: Sessions, *, seconds: float = STORE_SECONDS) -> None:
        """Store the numbers every `seconds` until the task is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.store(sessions)
            except Exception as error:
                if not (is_away(error) or is_conflict(error)):
                    log.exception("Worker error", task="reaction counts")


def _read(content: object) -> tuple[tuple[int, int], int] | None:
    """Return the ids of the chat and the message, and the number of all reactions to it.

    Returns None for JSON of another form, which is not trusted.
    """
    if not isinstance(content, dict) or not isinstance(content.get("chat"), dict):
        return None
    chat_id: Any = content["chat"].get("id")
    message_id: Any = content.get("message_id")
    reactions = content.get("reactions")
    if not isinstance(reactions, list):
        return None
    counts: list[Any] = [
        each.get("total_count") if isinstance(each, dict) else None for each in reactions
    ]
    if not (_is_number(chat_id) and _is_number(message_id) and all(map(_is_number, counts))):
        return None
    total = sum(counts)
    return ((chat_id, message_id), total) if 0 <= total <= MOST else None


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= 10 * MOST
