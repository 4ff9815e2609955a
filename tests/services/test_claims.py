"""What is done for many posts in one transaction is done for each as for it alone."""

import dataclasses

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.posts import posting
from services.posts.posting import PublishedPost
from tests.factories import people, rows

OWNER = "worker"


async def test_as_many_as_asked_for_and_one_in_a_channel(session: AsyncSession) -> None:
    deals = [await people.approved(session) for _ in range(3)]
    second = await people.another(session, deals[0])
    taken = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert {claim.target_id for claim in taken} == {deal.target.id for deal in deals}
    assert await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10) == []
    await posting.record_published(session, [PublishedPost(claim, 10) for claim in taken])
    [later] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert later.target_id == second.id


async def test_nothing_of_a_blocked_advertiser(session: AsyncSession) -> None:
    blocked, other = [await people.approved(session) for _ in range(2)]
    await session.execute(
        text("UPDATE users SET blocked = true WHERE id = :id"), {"id": blocked.advertiser.user_id}
    )
    [claim] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert claim.target_id == other.target.id


async def test_only_what_waits_is_due(session: AsyncSession) -> None:
    assert await posting.seconds_until_due(session) is None
    await people.approved(session)
    due = await posting.seconds_until_due(session)
    assert due is not None
    assert due <= 0
    [claim] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert await posting.seconds_until_due(session) is None
    await posting.record_published(session, [PublishedPost(claim, 10)])
    assert await posting.seconds_until_due(session) is None


async def test_no_more_than_asked_for(session: AsyncSession) -> None:
    for _ in range(3):
        await people.approved(session)
    assert len(await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=2)) == 2


async def test_who_is_fenced_out_is_left_out(session: AsyncSession) -> None:
    for _ in range(4):
        await people.approved(session)
    taken = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=4)
    good, older, others, given_up = taken
    older = dataclasses.replace(older, claim_no=older.claim_no - 1)
    others = dataclasses.replace(others, owner="another")
    given_up = dataclasses.replace(given_up, target_id=0, job_id=0)
    mixed = [good, older, others, given_up]
    assert await posting.begin_sends(session, mixed) == {good.job_id}
    sent = [PublishedPost(claim, 20 + number) for number, claim in enumerate(mixed)]
    assert await posting.record_published(session, sent) == {good.job_id}
    assert await posting.record_published(session, sent) == frozenset()
    await people.commit(session)
    told = await rows.table(
        session, "SELECT payload->>'message_id' FROM outbox WHERE kind = 'post_published'"
    )
    assert told == [("20",), ("20",)]
    successes = await rows.table(
        session, "SELECT id, message_id FROM post_jobs WHERE status = 'success'"
    )
    assert successes == [(good.job_id, 20)]
