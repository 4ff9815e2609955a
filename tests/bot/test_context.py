"""Test how the bot reads and writes for an update: transactions, and single statements."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from bot.context import read_only, single_write
from bot.handler_slots import HandlerSlots
from db.models.operations import Heartbeat
from db.models.users import Role, User
from tests.factories import people
from tests.handlers.marketplace import Marketplace


async def test_a_screens_transaction_cannot_write(market: Marketplace) -> None:
    beat = "INSERT INTO heartbeats (owner, name) VALUES ('test', 'test')"
    with pytest.raises(DBAPIError, match="read-only"):
        async with read_only(market.database.sessions) as session:
            await session.execute(text(beat))
    async with market.database.sessions.begin() as session:
        # The connection in the pool can write again.
        await session.execute(text(beat))


async def test_a_single_statement_is_committed_at_once(market: Marketplace) -> None:
    """A second session sees the row, although the first one never commits."""
    sessions = market.database.sessions
    async with single_write(sessions) as session:
        await session.execute(text("INSERT INTO heartbeats (owner, name) VALUES ('one', 'test')"))
        async with sessions.begin() as other:
            owners = await other.scalars(select(Heartbeat.owner).where(Heartbeat.name == "test"))
            assert owners.all() == ["one"]


async def test_an_impossible_id_costs_no_other_person_anything(market: Marketplace) -> None:
    """An id that PostgreSQL cannot read is refused, and the others of its statement are found."""
    sessions = market.database.sessions
    async with sessions.begin() as session:
        actor = await people.person(session)
        known = (await session.get_one(User, actor.user_id)).telegram_id
    find = market.dependencies.find_person
    found = await asyncio.gather(
        *(find(each) for each in (known, known, 10**30, known)), return_exceptions=True
    )
    assert isinstance(found[2], DBAPIError)
    for one in (found[0], found[1], found[3]):
        assert isinstance(one, tuple)
        assert one[0].telegram_id == known


async def test_people_of_concurrent_updates_are_read_together(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six updates read their people with two statements, although the handlers share one slot."""
    sessions = market.database.sessions
    async with sessions.begin() as session:
        actors = [await people.staff(session, Role.OPERATOR), await people.person(session)]
        rows = [await session.get_one(User, actor.user_id) for actor in actors]
    known = [row.telegram_id for row in rows]
    statements: list[str] = []
    fetch = asyncpg.Connection.fetch

    async def note(connection: Any, query: str, *arguments: Any) -> Any:
        statements.append(query)
        return await fetch(connection, query, *arguments)

    monkeypatch.setattr(asyncpg.Connection, "fetch", note)
    wanted = [*known, 424_242, *known, 434_343]
    slots = HandlerSlots(1)

    async def handle(telegram_id: int) -> Any:
        async with slots.hold():
            return await market.dependencies.find_person(telegram_id)

    found = await asyncio.gather(*map(handle, wanted))
    assert [each and (each[0].telegram_id, set(each[1])) for each in found] == [
        (known[0], {Role.OPERATOR}),
        (known[1], set()),
        None,
        (known[0], {Role.OPERATOR}),
        (known[1], set()),
        None,
    ]
    assert 1 <= sum("language_chosen" in each for each in statements) <= 2
