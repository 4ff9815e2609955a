"""Test that conflicts of the database are counted in the processes and stored together."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from bot import failure_counts as bot_counts
from db import failures
from db.models.operations import FailureKind, Switch
from db.session import create_engine, create_sessions
from services.market import moderation
from services.platform import errors, failure_counts
from tests.conftest import Database
from tests.factories import people, rows


@pytest.fixture(autouse=True)
def _counted_before() -> Iterator[None]:
    """Let each test begin at zero, and restore the counts of the process."""
    before = failures.take()
    yield
    failures.take()
    failures.give_back(before)


async def stored(database: Database) -> dict[str, int]:
    """Store the counts, and return the table's sums by kind."""
    await failure_counts.store(database.sessions)
    async with database.sessions.begin() as session:
        found = await rows.table(
            session, "SELECT kind, sum(occurred)::bigint FROM failure_counts GROUP BY kind"
        )
    return {str(kind): number for kind, number in found}


async def fail(database: Database, sqlstate: str) -> None:
    """Let a statement of the product fail with an SQLSTATE."""
    engine = create_engine(database.url)
    raised = text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$")
    with pytest.raises(DBAPIError):
        async with create_sessions(engine).begin() as session:
            await session.execute(raised)
    await engine.dispose()


@pytest.mark.parametrize(
    ("sqlstate", "counts"),
    [
        ("40001", {"conflict": 1}),
        ("55P03", {"conflict": 1}),
        ("40P01", {"conflict": 1, "deadlock": 1}),
        ("AD072", {}),
        ("23505", {}),
    ],
)
async def test_a_conflict_is_counted_and_a_stopped_switch_is_not(
    database: Database, sqlstate: str, counts: dict[str, int]
) -> None:
    await fail(database, sqlstate)
    assert await stored(database) == counts


async def test_counts_are_added_within_a_minute_and_stored_once(database: Database) -> None:
    for _ in range(2):
        failures.count(FailureKind.CONFLICT)
        await failure_counts.store(database.sessions)
    assert await stored(database) == {"conflict": 2}


async def test_counts_wait_while_they_cannot_be_stored(database: Database) -> None:
    failures.count(FailureKind.DEADLOCK)
    await database.as_owner("ALTER TABLE failure_counts RENAME TO moved")
    with pytest.raises(DBAPIError):
        await failure_counts.store(database.sessions)
    await database.as_owner("ALTER TABLE moved RENAME TO failure_counts")
    assert await stored(database) == {"deadlock": 1}


async def test_counts_older_than_a_day_are_deleted(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO failure_counts VALUES ('conflict', now() - interval '25 hours', 7)"
    )
    failures.count(FailureKind.DEADLOCK)
    assert await stored(database) == {"deadlock": 1}


async def approve_at_once(database: Database, made: people.Deal) -> None:
    """Approve a placement, and wait for no lock longer than 50 ms."""
    async with database.sessions.begin() as session:
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await moderation.approve(session, actor=made.moderator, target_id=made.target.id)


async def test_an_approval_that_waits_too_long_is_counted(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session)
    async with database.sessions.begin() as holder:
        await holder.execute(
            text("SELECT FROM campaign_targets WHERE id = :id FOR UPDATE"), {"id": made.target.id}
        )
        with pytest.raises(DBAPIError):
            await approve_at_once(database, made)
    assert (await stored(database))["approve_timeout"] == 1


async def test_a_refused_approval_is_no_timeout(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session)
        await people.stop(session, Switch.NEW_ESCROWS)
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await moderation.approve(session, actor=made.moderator, target_id=made.target.id)
    assert await stored(database) == {}


async def test_the_bot_keeps_storing_after_an_error(database: Database) -> None:
    engine = create_engine(database.url)
    await database.as_owner("ALTER TABLE failure_counts RENAME TO moved")
    failures.count(FailureKind.DEADLOCK)
    with capture_logs() as logs:
        counts = bot_counts.keep_storing(create_sessions(engine), seconds=0.01)
        storing = asyncio.create_task(counts)
        async with asyncio.timeout(30):
            while not logs:
                await asyncio.sleep(0.02)
            await database.as_owner("ALTER TABLE moved RENAME TO failure_counts")
            while not await kinds(database):
                await asyncio.sleep(0.02)
    assert {line["event"] for line in logs} == {"Worker error"}
    assert not storing.done()
    storing.cancel()
    await engine.dispose()


async def kinds(database: Database) -> list[str]:
    """Return the kinds of failures in the table."""
    async with database.sessions.begin() as session:
        found = await rows.table(session, "SELECT kind FROM failure_counts")
    return [kind for (kind,) in found]
