"""Test that a quick read returns the same rows and errors as a session of SQLAlchemy."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ARRAY, BigInteger, Text, any_, bindparam, column, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.context import quick_read
from db.models.campaigns import Campaign, CampaignStatus
from db.models.users import Role, User, UserRole
from tests.conftest import Database
from tests.factories import people

_PEOPLE = (
    select(
        User,
        UserRole.role,
        Campaign,
        literal("it's $1"),
        (Campaign.status == CampaignStatus.DRAFT).label("is_draft"),
        User.id.label("again"),
    )
    .outerjoin(UserRole, (UserRole.user_id == User.id) & UserRole.role.in_([Role.ADMIN]))
    .outerjoin(Campaign, Campaign.advertiser_id == User.id)
    .where(User.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    .order_by(User.id)
    .limit(bindparam("most", type_=BigInteger))
)
_WORDS = (
    text("SELECT word, length(word) FROM unnest(CAST(:words AS text[])) word WHERE word <> :not")
    .bindparams(bindparam("words", type_=ARRAY(Text)), bindparam("not", type_=Text))
    .columns(column("word", Text), column("size", BigInteger))
)
_DIVIDED = select(literal(1, BigInteger) // bindparam("by", type_=BigInteger))
_HALF = select(literal(1, BigInteger) / bindparam("by", type_=BigInteger))


async def _rows(session: AsyncSession, ids: list[int | None]) -> list[Any]:
    found = await session.execute(_PEOPLE, {"ids": ids, "most": 3})
    return [
        (_columns(row.User), row.role, _columns(row.Campaign), *row[3:], row.is_draft, row.again)
        for row in found
    ]


def _columns(entity: User | Campaign | None) -> dict[str, Any] | None:
    names = type(entity).__mapper__.column_attrs.keys() if entity is not None else ()
    return {name: getattr(entity, name) for name in names} or None


async def test_rows_entities_and_types_are_those_of_sqlalchemy(database: Database) -> None:
    sessions = database.sessions
    async with sessions.begin() as session:
        buyer, admin = await people.person(session), await people.staff(session)
        await people.campaign(session, buyer)
        ids = [buyer.user_id, admin.user_id]
    for wanted in (ids, ids[:1], []):
        async with quick_read(sessions) as quick, sessions() as usual:
            assert await _rows(quick, wanted) == await _rows(usual, wanted)
    async with quick_read(sessions) as quick, sessions() as usual:
        assert [row[1] for row in await _rows(quick, ids)] == [None, Role.ADMIN]
        values = {"words": ["a", "it's", "b"], "not": "b"}
        words = [(await each.execute(_WORDS, values)).all() for each in (quick, usual)]
        assert await quick.scalar(_HALF, {"by": 2}) == Decimal("0.5")
        assert words[0] == words[1] == [("a", 1), ("it's", 4)]


async def test_a_constant_stands_in_the_text_and_a_value_does_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a constant as a parameter, PostgreSQL would plan the statement at each execution."""
    texts: list[str] = []
    fetch = asyncpg.Connection.fetch

    async def note(connection: Any, query: str, *arguments: Any) -> Any:
        texts.append(query)
        return await fetch(connection, query, *arguments)

    monkeypatch.setattr(asyncpg.Connection, "fetch", note)
    async with quick_read(database.sessions) as session:
        for most in (7_771, 7_772):
            await session.execute(_PEOPLE, {"ids": [], "most": most})
    assert texts[0] == texts[1]
    assert "IN ('admin')" in texts[0]
    assert "777" not in texts[0]


async def test_an_error_is_that_of_sqlalchemy_and_costs_no_connection(database: Database) -> None:
    sessions = database.sessions
    pool = sessions.kw["bind"].sync_engine.pool
    in_use = pool.checkedout()
    async with quick_read(sessions) as session:
        with pytest.raises(DBAPIError, match="division by zero"):
            await session.scalar(_DIVIDED, {"by": 0})
        with pytest.raises(DBAPIError, match="invalid input for query argument"):
            await session.scalar(_DIVIDED, {"by": 10**30})
    async with quick_read(sessions) as session:
        assert await session.scalar(_DIVIDED, {"by": 1}) == 1
        sleep = select(text("pg_sleep(:s)").bindparams(bindparam("s", type_=BigInteger)))
        waiting = asyncio.create_task(session.scalar(sleep, {"s": 60}))
        await asyncio.sleep(0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await session.scalar(_DIVIDED, {"by": 1}) == 1
    assert pool.checkedout() == in_use


async def test_a_connection_that_the_server_has_ended_is_replaced(database: Database) -> None:
    sessions = database.sessions
    async with quick_read(sessions) as session:
        assert await session.scalar(_DIVIDED, {"by": 1}) == 1
        await database.as_owner(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'adtech_app'"
        )
        assert await session.scalar(_DIVIDED, {"by": 1}) == 1
    assert sessions.kw["bind"].sync_engine.pool.checkedout() == 0
