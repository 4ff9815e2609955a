"""Keep the words and hosts about which the card of a placement warns the staff."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.moderation import LONGEST_WORD, WatchedWord
from services.platform import audit, errors
from services.platform.actors import MODERATORS, Actor

MOST = 200
"""The greatest number of watched words."""


async def list_all(session: AsyncSession) -> Sequence[WatchedWord]:
    """Return all watched words in alphabetical order."""
    found = await session.scalars(
        select(WatchedWord)
        .order_by(WatchedWord.word, WatchedWord.id)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def add(session: AsyncSession, *, actor: Actor, word: str) -> bool:
    """Watch a word. Return False if it is watched already, or if MOST words are.

    Letter case and spaces at both ends do not matter. Raises AccessDenied, InvalidText.
    """
    role = actor.require_staff(*MODERATORS, action="word_watch")
    cleaned = " ".join(word.split()).casefold()
    if not 1 <= len(cleaned) <= LONGEST_WORD:
        raise errors.InvalidText("word", LONGEST_WORD, len(cleaned))
    count = select(func.count()).select_from(WatchedWord)
    if (await session.scalar(count) or 0) >= MOST:
        return False
    added = await session.scalar(
        insert(WatchedWord)
        .values(word=cleaned, added_by=actor.user_id)
        .on_conflict_do_nothing(index_elements=["word"])
        .returning(WatchedWord.id)
    )
    if added is None:
        return False
    await audit.record(session, actor=actor, action="word_watched", role=role, word_id=added)
    return True


async def remove(session: AsyncSession, *, actor: Actor, word_id: int) -> bool:
    """Stop watching a word. Return False if it is not watched any more. Raises AccessDenied."""
    role = actor.require_staff(*MODERATORS, action="word_watch")
    removed = await session.scalar(
        delete(WatchedWord).where(WatchedWord.id == word_id).returning(WatchedWord.id)
    )
    if removed is None:
        return False
    await audit.record(session, actor=actor, action="word_unwatched", role=role, word_id=removed)
    return True
