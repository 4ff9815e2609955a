"""Test that the database lets a post be taken down only by a claim, after its owner was paid."""

import asyncpg
import pytest

from db.models.operations import Switch
from sandbox import embedded, logins
from services.money import escrow
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people
from tests.factories.people import Deal

CLAIM = (
    "UPDATE removals SET status = 'deleting', claim_no = claim_no + 1, lease_owner = 'x',"
    " lease_until = now()"
)


@pytest.fixture
async def clock(server: embedded.Postgres, database: Database) -> asyncpg.Connection:
    """Return a connection of the scheduler's login."""
    name = database.url.partition("@/")[2].partition("?")[0]
    return await asyncpg.connect(server.dsn(logins.CLOCK, name))


@pytest.fixture
async def posted(database: Database) -> Deal:
    """Return a placement with a live post, whose removal somebody has planned too early."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
    await database.as_owner("INSERT INTO removals (post_job_id) SELECT id FROM post_jobs")
    return made


async def test_a_post_is_deleted_by_a_claim_after_its_owner_was_paid(
    database: Database, clock: asyncpg.Connection, posted: Deal
) -> None:
    assert await refused_state(clock, CLAIM) == "AD104"
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=posted.target.id)
    for claim_no in ("claim_no", "claim_no + 2", "0"):
        assert await refused_state(clock, CLAIM.replace("claim_no + 1", claim_no)) == "AD105"
    assert await refused_state(clock, "UPDATE removals SET claim_no = 1") == "AD105"
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.TELEGRAM_POSTING)
    assert await refused_state(clock, CLAIM) == "AD072"
    async with database.sessions.begin() as session:
        await people.set_switch(session, Switch.TELEGRAM_POSTING, enabled=True)
    await clock.execute(CLAIM)
    await clock.close()


@pytest.mark.usefixtures("posted")
async def test_a_login_can_neither_invent_nor_forget_a_removal(
    database: Database, clock: asyncpg.Connection
) -> None:
    for statement in ("INSERT INTO removals (post_job_id) VALUES (1)", "DELETE FROM removals"):
        assert await refused_state(clock, statement) == "42501"
    await clock.close()
    for statement, state in (
        ("DELETE FROM removals", "AD006"),
        ("UPDATE removals SET post_job_id = post_job_id + 1", "AD031"),
        ("INSERT INTO removals (post_job_id, status) VALUES (1, 'done')", "AD030"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.as_owner(statement)
        assert refused.value.sqlstate == state
