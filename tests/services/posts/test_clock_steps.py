"""Test that posts do not wait for the time before the database's clock was set back."""

from datetime import timedelta

from db import queries
from services.posts import clock_steps, posting, uncertain_posts
from tests.conftest import Database
from tests.factories import one_post, people, rows

LEASE = timedelta(seconds=30)


async def _set_back(database: Database, *columns: str) -> None:
    """Make these times those of a clock that was an hour ahead."""
    changed = ", ".join(f"{column} = {column} + interval '1 hour'" for column in columns)
    await database.as_owner(f"UPDATE post_jobs SET {changed}")


async def _end_delays(database: Database) -> int:
    async with database.sessions.begin() as session:
        return await clock_steps.end_delays(session)


async def test_an_approved_post_does_not_wait_for_an_hour(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    assert await _end_delays(database) == 0
    await _set_back(database, "due_at", "updated_at")
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="a", lease=LEASE) is None
    assert await _end_delays(database) == 1
    assert await _end_delays(database) == 0
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="a", lease=LEASE) is not None


async def test_a_post_with_a_publish_time_waits_for_it(database: Database) -> None:
    async with database.sessions.begin() as session:
        at = await queries.now(session) + timedelta(hours=2)
        await people.approved(session, publish_at=at)
    await _set_back(database, "updated_at")
    assert await _end_delays(database) == 1
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT due_at FROM post_jobs") == at


async def test_a_delay_of_the_present_time_stays(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await posting.record_not_sent(
            session, claim, error="429", counts=False, retry_after=timedelta(minutes=5)
        )
    assert await _end_delays(database) == 0
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="a", lease=LEASE) is None


async def test_a_search_begins_anew(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await database.as_owner("UPDATE post_jobs SET first_absent_at = clock()")
    await _set_back(database, "next_check_at", "updated_at", "first_absent_at")
    async with database.sessions.begin() as session:
        assert await uncertain_posts.claim_due(session, limit=9) == []
    assert await _end_delays(database) == 1
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT first_absent_at FROM post_jobs") is None
        assert len(await uncertain_posts.claim_due(session, limit=9)) == 1
