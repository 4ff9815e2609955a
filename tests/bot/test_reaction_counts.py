"""Test that the numbers of reactions are collected, and stored with one write for many."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import reaction_counts, update_filter
from bot.reaction_counts import MOST, ReactionCounts
from db.session import create_engine, create_sessions
from services.market import channel_activity
from tests.conftest import Database
from tests.factories import people


def update(
    message_id: object = 5, counts: object = (2, 3), *, chat_id: object = -100
) -> dict[str, Any]:
    """Return Telegram's update about a post, with the number of each reaction."""
    reactions: object = counts
    if isinstance(counts, tuple):
        reactions = [
            {"type": {"type": "emoji", "emoji": "👍"}, "total_count": count} for count in counts
        ]
    told = {"chat": {"id": chat_id, "type": "channel"}, "message_id": message_id, "date": 1}
    return update_filter.reduce(
        {"update_id": 1, "message_reaction_count": told | {"reactions": reactions}}
    )


def test_the_last_number_of_a_post_waits_and_other_updates_go_on() -> None:
    counts = ReactionCounts()
    message = {"update_id": 2, "message": {}}
    assert counts.take([update(), message, update(counts=(9,)), update(6, ())]) == [message]
    assert counts._waiting == {(-100, 5): 9, (-100, 6): 0}


@pytest.mark.parametrize(
    "strange",
    [
        *(update("5"), update(None), update([]), update(10**14)),
        *(
            update(counts=(None,)),
            update(counts=("2",)),
            update(counts=(-1,)),
            update(counts=(1.5,)),
        ),
        *(update(counts=None), update(counts="many"), update(counts=["many"])),
        *(update(counts=(MOST, 1)), update(chat_id=None), update(chat_id="x")),
        {"update_id": 1, "message_reaction_count": None},
        {"update_id": 1, "message_reaction_count": "x"},
        {"update_id": 1, "message_reaction_count": {}},
    ],
)
def test_an_update_of_another_form_is_left_out(strange: dict[str, Any]) -> None:
    counts = ReactionCounts()
    assert counts.take([strange]) == []
    assert counts._waiting == {}


def test_a_flood_takes_no_more_memory_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaction_counts, "MAX_POSTS", 2)
    counts = ReactionCounts()
    counts.take([update(message_id) for message_id in range(1, 9)])
    counts.take([update(1, (7,))])
    assert counts._waiting == {(-100, 1): 7, (-100, 2): 5}


async def test_a_thousand_updates_are_one_write(database: Database) -> None:
    async with database.sessions.begin() as session:
        channel = await people.channel(session, await people.person(session))
        now = (await session.execute(text("SELECT clock()"))).scalar_one()
        for message_id in (1, 2):
            await channel_activity.note_post(
                session,
                chat_id=channel.chat_id,
                message_id=message_id,
                posted_at=now,
                album=None,
            )
    counts = ReactionCounts()
    flood = [
        update(number % 500 + 1, (number,), chat_id=channel.chat_id) for number in range(1_000)
    ]
    assert counts.take(flood) == []
    await counts.store(database.sessions)
    assert counts._waiting == {}
    written = "SELECT message_id, reactions, xmin::text FROM channel_posts ORDER BY message_id"
    async with database.sessions.begin() as session:
        first = (await session.execute(text(written))).all()
        assert [row[:2] for row in first] == [(1, 500), (2, 501)]
        assert (await session.execute(text("SELECT count(*) FROM inbox"))).scalar_one() == 0
    counts.take([update(1, (500,), chat_id=channel.chat_id)])
    await counts.store(database.sessions)
    await counts.store(database.sessions)
    async with database.sessions.begin() as session:
        assert (await session.execute(text(written))).all() == first, "the same number is no write"


async def test_numbers_wait_while_the_database_is_away() -> None:
    away = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    counts = ReactionCounts()
    counts.take([update(1, (7,))])
    with pytest.raises((OSError, DBAPIError)):
        await counts.store(create_sessions(away))
    assert counts._waiting == {(-100, 1): 7}
    await away.dispose()
