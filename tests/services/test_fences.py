"""Test that a worker without a valid claim of a post cannot change the post."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import moderation
from services.money import escrow
from services.platform import errors
from services.posts import posting, rescue, uncertain_posts
from services.posts.posting import Claim, PublishedPost
from tests.conftest import Database
from tests.factories import breakage, one_post, people, rows

Write = Callable[[AsyncSession, Claim], Awaitable[object]]
LEASE = timedelta(seconds=30)
OTHERS = {
    "status": "status = 'uncertain'",
    "claim": "claim_no = claim_no + 1",
    "owner": "lease_owner = 'another'",
}


async def _not_sent(session: AsyncSession, claim: Claim) -> bool:
    return await posting.record_not_sent(session, claim, error="x", counts=True, retry_after=None)


async def _refused(session: AsyncSession, claim: Claim) -> bool:
    return await posting.record_refused(session, claim, error="x", rights_lost=False)


async def _rights_lost(session: AsyncSession, claim: Claim) -> bool:
    return await posting.record_refused(session, claim, error="x", rights_lost=True)


async def _uncertain(session: AsyncSession, claim: Claim) -> bool:
    return await posting.record_uncertain(session, claim, error="x")


async def _sent(session: AsyncSession, claim: Claim) -> frozenset[int]:
    return await posting.record_published(session, [PublishedPost(claim, 10)])


WRITES: dict[str, Write] = {
    "begin": one_post.may_send,
    "give back": posting.release_claim,
    "not sent": _not_sent,
    "refused": _refused,
    "rights lost": _rights_lost,
    "uncertain": _uncertain,
    "sent": _sent,
}


async def _claimed(database: Database) -> Claim:
    async with database.sessions.begin() as session:
        await people.approved(session)
        [claim] = await posting.claim_due(session, owner="worker", lease=LEASE, limit=1)
    await database.as_owner("ALTER TABLE post_jobs DROP CONSTRAINT ck_post_jobs_lease")
    return claim


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("write", WRITES)
async def test_a_worker_with_an_invalid_claim_writes_nothing(
    database: Database, write: str, other: str
) -> None:
    claim = await _claimed(database)
    await database.as_owner(f"UPDATE post_jobs SET {OTHERS[other]}")
    async with database.sessions.begin() as session:
        before = await rows.snapshot(session)
        assert not await WRITES[write](session, claim)
        assert await rows.snapshot(session) == before


@pytest.mark.parametrize("write", WRITES)
async def test_a_worker_with_a_valid_claim_writes(database: Database, write: str) -> None:
    claim = await _claimed(database)
    async with database.sessions.begin() as session:
        assert await WRITES[write](session, claim)


async def test_only_posts_that_are_being_sent_are_rescued(database: Database) -> None:
    await _claimed(database)
    await database.as_owner(
        "UPDATE post_jobs SET status = 'queued', lease_until = now() - interval '1 s'"
    )
    async with database.sessions.begin() as session:
        assert await rescue.rescue_abandoned(session) == 0


@pytest.mark.parametrize("found", [False, True])
async def test_the_promised_hours_of_a_settled_escrow_do_not_begin_again(
    database: Database, *, found: bool
) -> None:
    claim = await _claimed(database)
    if found:
        async with database.sessions.begin() as session:
            assert await one_post.may_send(session, claim)
            assert await _uncertain(session, claim)
    await database.as_owner(
        "ALTER TABLE escrows DISABLE TRIGGER USER; UPDATE escrows SET status = 'refunded',"
        " settled_at = now()"
    )
    async with database.sessions() as session:
        if found:
            [uncertain_post] = await uncertain_posts.claim_due(session, limit=9)
            assert await uncertain_posts.record_found(session, uncertain_post, message_ids=(10,))
        else:
            assert await _sent(session, claim)
        assert await rows.one(session, "SELECT release_due_at FROM escrows") is None
    await database.as_owner("UPDATE escrows SET status = 'held', settled_at = NULL")


async def test_a_settled_escrow_is_not_held_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await escrow.hold(session, target_id=deal.target.id)
    await database.as_owner(
        "ALTER TABLE escrows DISABLE TRIGGER USER;"
        " UPDATE escrows SET status = 'refunded', settled_at = now()"
    )
    async with database.sessions() as session:
        with pytest.raises(errors.EscrowNotHeld):
            await escrow.hold(session, target_id=deal.target.id)
        with pytest.raises(errors.EscrowNotHeld):
            await moderation.approve(session, actor=deal.moderator, target_id=deal.target.id)
    await database.as_owner("UPDATE escrows SET status = 'held', settled_at = NULL")


async def test_only_queued_posts_are_cancelled(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session)
        await people.another(session, deal)
        waiting = await people.another(session, deal)
        sending = await people.claimed(session)
        await people.block(session, deal.advertiser)
    async with database.sessions.begin() as session:
        assert await rescue.cancel_unwanted(session) == 1
        assert await rows.table(
            session, "SELECT campaign_target_id, status FROM post_jobs ORDER BY id"
        ) == [
            (deal.target.id, "success"),
            (sending.target_id, "sending"),
            (waiting.id, "cancelled"),
        ]


async def test_only_a_published_post_is_paid_for(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        assert await escrow.list_releasable(session, limit=9) == [deal.target.id]
    await database.as_owner("UPDATE post_jobs SET status = 'failed'")
    async with database.sessions() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        with pytest.raises(errors.PostNotProven):
            await escrow.release(session, target_id=deal.target.id)
    await breakage.run_unguarded(database, "UPDATE post_jobs SET status = 'success'")
    await database.as_owner("UPDATE escrows SET release_due_at = NULL")
    async with database.sessions() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        with pytest.raises(errors.PostNotProven):
            await escrow.release(session, target_id=deal.target.id)
