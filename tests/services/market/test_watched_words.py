"""Test the words about which the card of a placement warns."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import watched_words
from services.platform import errors
from tests.factories import people, rows


async def test_a_word_is_watched_once_and_removed_once(session: AsyncSession) -> None:
    admin = await people.staff(session)
    assert await watched_words.add(session, actor=admin, word=" Free   MONEY ")
    assert not await watched_words.add(session, actor=admin, word="free money")
    [word] = await watched_words.list_all(session)
    assert word.word == "free money"
    assert await watched_words.remove(session, actor=admin, word_id=word.id)
    assert not await watched_words.remove(session, actor=admin, word_id=word.id)
    assert await watched_words.list_all(session) == []
    assert await rows.table(
        session, "SELECT action FROM user_audit_logs WHERE action LIKE 'word%' ORDER BY id"
    ) == [("word_watched",), ("word_unwatched",)]


@pytest.mark.parametrize("word", ["", "   ", "x" * 65])
async def test_a_word_has_1_to_64_characters(session: AsyncSession, word: str) -> None:
    admin = await people.staff(session)
    with pytest.raises(errors.InvalidText):
        await watched_words.add(session, actor=admin, word=word)


async def test_the_number_of_words_is_bounded(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await people.staff(session)
    monkeypatch.setattr(watched_words, "MOST", 2)
    added = [await watched_words.add(session, actor=admin, word=word) for word in "abc"]
    assert added == [True, True, False]


async def test_only_admins_watch_words(session: AsyncSession) -> None:
    person = await people.person(session)
    with pytest.raises(errors.AccessDenied):
        await watched_words.add(session, actor=person, word="casino")
    with pytest.raises(errors.AccessDenied):
        await watched_words.remove(session, actor=person, word_id=1)
