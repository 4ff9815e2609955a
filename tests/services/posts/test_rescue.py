"""Test what happens to a post whose worker has died."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import escrow
from services.posts import posting, rescue
from services.posts.posting import Claim
from tests.conftest import Database
from tests.factories import one_post, people, rows


async def _job(session: AsyncSession, columns: str = "status") -> tuple[Any, ...]:
    found = await rows.table(session, f"SELECT {columns} FROM post_jobs")
    assert len(found) == 1
    return found[0]


async def _abandon(session: AsyncSession, *, begun: bool) -> Claim:
    """Claim the due post for a worker that then dies. `begun` says whether the send had begun."""
    claim = await one_post.claim(session, owner="dead", lease=timedelta(milliseconds=1))
    assert claim is not None
    if begun:
        await session.execute(
            text("UPDATE post_jobs SET lease_until = now() + interval '1 s' WHERE id = :id"),
            {"id": claim.job_id},
        )
        assert await one_post.may_send(session, claim)
        await session.execute(
            text("UPDATE post_jobs SET lease_until = now() WHERE id = :id"), {"id": claim.job_id}
        )
    return claim


async def test_an_abandoned_send_is_uncertain_once_it_has_begun(database: Database) -> None:
    async with database.sessions.begin() as session:
        for _ in range(3):
            await people.approved(session)
        begun = await _abandon(session, begun=True)
        unbegun = await _abandon(session, begun=False)
        alive = await one_post.claim(session, owner="alive", lease=people.LEASE)
    assert alive is not None
    async with database.sessions.begin() as session:
        assert not await one_post.may_send(session, unbegun)
        assert await one_post.may_send(session, alive)
        assert await rescue.rescue_abandoned(session) == 2
    async with database.sessions.begin() as session:
        assert await rescue.rescue_abandoned(session) == 0
        assert await rows.table(
            session, "SELECT id, status, lease_owner, attempts FROM post_jobs ORDER BY id"
        ) == sorted(
            [
                (begun.job_id, "uncertain", None, 0),
                (unbegun.job_id, "queued", None, 0),
                (alive.job_id, "sending", "alive", 0),
            ]
        )
        for claim in (begun, unbegun):
            assert not await one_post.may_send(session, claim)
            assert not await one_post.record_published(session, claim, message_id=3)
        again = await people.claimed(session)
        assert (again.job_id, again.claim_no) == (unbegun.job_id, 2)


async def test_an_abandoned_claim_without_the_mark_of_may_send_is_uncertain(
    database: Database,
) -> None:
    """Test a claim of a worker that ran an older version of the program."""
    async with database.sessions.begin() as session:
        await people.approved(session)
        claim = await _abandon(session, begun=False)
        assert await posting.release_claim(session, claim)
        # The older version leaves the number of an earlier claim in `unsent_claim_no`.
        await session.execute(
            text(
                "UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1,"
                " lease_owner = 'old', lease_until = now() - interval '1 s'"
            )
        )
    async with database.sessions.begin() as session:
        assert await rescue.rescue_abandoned(session) == 1
        assert await _job(session, "status, claim_no") == ("uncertain", 2)


async def test_a_post_that_keeps_killing_its_workers_is_parked(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
    for times in range(1, rescue.MAX_ABANDONED + 1):
        async with database.sessions.begin() as session:
            await _abandon(session, begun=False)
        async with database.sessions.begin() as session:
            assert await rescue.rescue_abandoned(session) == 1
            assert await _job(session, "abandoned") == (times,)
        await database.forward(posting.MAX_BACKOFF)
    async with database.sessions.begin() as session:
        assert await _job(session, "status, attempts, claim_no") == (
            "failed",
            0,
            rescue.MAX_ABANDONED,
        )
        assert await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'post_refused'"
        ) == [(deal.advertiser.user_id,)]
        await escrow.refund(session, target_id=deal.target.id)


async def test_a_claim_of_the_time_before_a_step_back_is_abandoned(database: Database) -> None:
    """Check that a claim counts as abandoned if it ends too far in the future."""
    lease = timedelta(seconds=30)
    async with database.sessions.begin() as session:
        await people.approved(session)
        assert await one_post.claim(session, owner="dead", lease=lease) is not None
    async with database.sessions.begin() as session:
        assert await rescue.rescue_abandoned(session, lease=lease) == 0
    # The database's clock was set back by an hour after the claim.
    await database.as_owner("UPDATE post_jobs SET lease_until = lease_until + interval '1 hour'")
    async with database.sessions.begin() as session:
        assert await rescue.rescue_abandoned(session, lease=lease) == 1
