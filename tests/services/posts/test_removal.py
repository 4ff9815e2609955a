"""Test that one process at a time takes a post down, and that the end is told once."""

from datetime import timedelta

import pytest

from db.models.operations import Switch
from db.models.removals import RemovalStatus
from services.money import escrow
from services.posts import removal
from services.posts.removal import DueRemoval
from tests.conftest import Database
from tests.factories import people, rows

STATE = "SELECT status, claim_no, ended_at IS NOT NULL FROM removals"
TOLD = "SELECT count(*) FROM outbox WHERE kind IN ('post_removed', 'removal_refused')"


@pytest.fixture
async def due(database: Database) -> DueRemoval:
    """Return the planned removal of a post whose owner was paid."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
    await database.as_owner("INSERT INTO removals (post_job_id) SELECT id FROM post_jobs")
    return await read(database)


async def read(database: Database) -> DueRemoval:
    """Return the only removal that is due."""
    async with database.sessions.begin() as session:
        [found] = await removal.list_due(session, limit=9)
        return found


async def claim(database: Database, due: DueRemoval, owner: str) -> removal.RemovalClaim | None:
    """Claim the removal in a transaction of its own."""
    async with database.sessions.begin() as session:
        return await removal.claim(session, due, owner=owner)


async def record(
    database: Database, claimed: removal.RemovalClaim | None, status: RemovalStatus
) -> bool:
    """Record an outcome of a claim in a transaction of its own."""
    assert claimed is not None
    async with database.sessions.begin() as session:
        return await removal.record(session, claimed, status, error="x")


async def state(database: Database) -> tuple[object, ...]:
    """Return the status and the claim number, and whether the removal has ended."""
    async with database.sessions.begin() as session:
        [row] = await rows.table(session, STATE)
        return row


async def test_one_process_claims_a_removal(database: Database, due: DueRemoval) -> None:
    first = await claim(database, due, "first")
    assert await claim(database, due, "second") is None
    assert await record(database, first, RemovalStatus.DONE)
    assert await state(database) == ("done", 1, True)
    assert not await record(database, first, RemovalStatus.REFUSED)
    async with database.sessions.begin() as session:
        assert await rows.one(session, TOLD) == 2


async def test_nothing_is_claimed_while_posting_is_stopped(
    database: Database, due: DueRemoval
) -> None:
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.TELEGRAM_POSTING)
    assert await claim(database, due, "first") is None
    assert await state(database) == ("planned", 0, False)


async def test_a_late_process_records_nothing(database: Database, due: DueRemoval) -> None:
    late = await claim(database, due, "late")
    await database.as_owner("UPDATE removals SET lease_until = now() - interval '1 s'")
    async with database.sessions.begin() as session:
        assert await removal.rescue_abandoned(session) == 1
        assert await removal.rescue_abandoned(session) == 0
    assert not await record(database, late, RemovalStatus.DONE)
    await database.forward(removal.LOOK_INTERVAL)
    async with database.sessions.begin() as session:
        await removal.record_look(session, due, is_there=True)
    assert await claim(database, due, "late") is not None
    assert not await record(database, late, RemovalStatus.DONE), "it is the claim before the last"
    assert await state(database) == ("deleting", 2, False)


async def test_one_process_looks_for_an_uncertain_removal(
    database: Database, due: DueRemoval
) -> None:
    await record(database, await claim(database, due, "first"), RemovalStatus.UNCERTAIN)
    async with database.sessions.begin() as session:
        assert await removal.begin_look(session, due)
        assert not await removal.begin_look(session, due)
        await removal.record_look(session, due, is_there=None)
    assert await state(database) == ("uncertain", 1, False)
    async with database.sessions.begin() as session:
        await removal.record_look(session, due, is_there=False)
    assert await state(database) == ("done", 1, True)


async def test_what_stays_unclear_is_left_to_the_owner_when_it_is_late(
    database: Database, due: DueRemoval
) -> None:
    await record(database, await claim(database, due, "first"), RemovalStatus.UNCERTAIN)
    await database.forward(removal.LATEST - timedelta(minutes=1))
    assert not (await read(database)).is_late
    await database.forward(timedelta(minutes=1))
    late = await read(database)
    assert late.is_late
    async with database.sessions.begin() as session:
        await removal.record_look(session, late, is_there=None)
        assert await rows.one(session, TOLD) == 1
    assert await state(database) == ("refused", 1, True)
