"""Test that each post is claimed, sent and recorded only one time."""

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from services.market import campaigns, channels
from services.money import escrow
from services.posts import posting, rescue, uncertain_posts
from services.posts.posting import Claim, PublishedPost
from tests.conftest import Database
from tests.factories import breakage, one_post, people, rows

Record = Callable[[AsyncSession, Claim], Awaitable[bool]]
RECORDS: dict[str, Record] = {
    "sent": lambda session, claim: one_post.record_published(session, claim, message_id=99),
    "refused": lambda session, claim: posting.record_refused(
        session, claim, error="late", rights_lost=False
    ),
    "rights lost": lambda session, claim: posting.record_refused(
        session, claim, error="late", rights_lost=True
    ),
    "not sent": lambda session, claim: posting.record_not_sent(
        session, claim, error="late", counts=True, retry_after=None
    ),
    "uncertain": lambda session, claim: posting.record_uncertain(session, claim, error="late"),
    "given back": posting.release_claim,
}
OWNER = "worker"


async def _job(session: AsyncSession, columns: str = "status") -> tuple[Any, ...]:
    found = await rows.table(session, f"SELECT {columns} FROM post_jobs")
    assert len(found) == 1
    return found[0]


async def _assert_nothing_to_claim(session: AsyncSession) -> None:
    assert await one_post.claim(session, owner="w", lease=people.LEASE) is None


async def test_a_post_is_claimed_by_one_worker(session: AsyncSession) -> None:
    deal = await people.approved(session)
    claim = await people.claimed(session)
    assert (claim.target_id, claim.chat_id, claim.claim_no, claim.attempts) == (
        deal.target.id,
        deal.channel.chat_id,
        1,
        0,
    )
    assert claim.creative == people.advert()
    assert await _job(session, "status, lease_owner, lease_until > now()") == (
        "sending",
        "worker",
        True,
    )
    assert await one_post.may_send(session, claim)
    await _assert_nothing_to_claim(session)


@pytest.mark.parametrize("key", [Switch.TELEGRAM_POSTING, Switch.WORKER_POST])
async def test_nothing_is_claimed_while_stopped(session: AsyncSession, key: Switch) -> None:
    await people.approved(session)
    await people.stop(session, key)
    await _assert_nothing_to_claim(session)


async def test_the_switch_is_read_again_right_before_the_send(session: AsyncSession) -> None:
    await people.approved(session)
    claim = await people.claimed(session)
    await people.stop(session, Switch.TELEGRAM_POSTING)
    assert not await one_post.may_send(session, claim)
    assert await posting.release_claim(session, claim)
    assert await _job(session, "status, attempts") == ("queued", 0)


@pytest.mark.parametrize("why", ["campaign", "suspended", "removed"])
async def test_posts_of_paused_campaigns_and_closed_channels_are_not_claimed(
    session: AsyncSession, why: str
) -> None:
    deal = await people.approved(session)
    if why == "campaign":
        await campaigns.pause(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    elif why == "suspended":
        await channels.record_rights_lost(session, chat_id=deal.channel.chat_id, reason="kicked")
    else:
        await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
    await _assert_nothing_to_claim(session)


async def test_a_paused_channel_gets_its_approved_posts(session: AsyncSession) -> None:
    deal = await people.approved(session)
    await channels.pause(session, actor=deal.owner, channel_id=deal.channel.id)
    await people.claimed(session)


async def test_a_post_approved_under_an_earlier_owner_is_not_claimed(session: AsyncSession) -> None:
    deal = await people.approved(session)
    await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
    new_owner = await people.person(session)
    await channels.connect(
        session,
        actor=new_owner,
        chat_id=deal.channel.chat_id,
        title="Evening news",
        username=None,
        subscribers=5,
    )
    await channels.set_terms(
        session,
        actor=new_owner,
        channel_id=deal.channel.id,
        price=1,
        promised_hours=0,
        topic="news",
    )
    await _assert_nothing_to_claim(session)


async def test_a_channel_has_one_post_under_way(session: AsyncSession) -> None:
    deal = await people.approved(session)
    await people.another(session, deal)
    first = await people.claimed(session)
    await _assert_nothing_to_claim(session)
    assert await posting.record_uncertain(session, first, error="time-out")
    await _assert_nothing_to_claim(session)  # an uncertain post could be mistaken for the next one


async def test_a_published_post_is_recorded(session: AsyncSession) -> None:
    deal = await people.posted(session, promised_hours=24)
    assert await _job(session, "status, message_id, lease_owner, sent_at <= clock()") == (
        "success",
        10,
        None,
        True,
    )
    assert await rows.one(
        session,
        "SELECT release_due_at - sent_at FROM escrows JOIN post_jobs USING (campaign_target_id)",
    ) >= timedelta(hours=24)
    assert await rows.one(session, "SELECT last_message_id FROM channels") == 10
    assert await rows.table(
        session, "SELECT user_id FROM outbox WHERE kind = 'post_published' ORDER BY id"
    ) == [(deal.advertiser.user_id,), (deal.owner.user_id,)]


async def test_a_refused_post_fails(session: AsyncSession) -> None:
    deal = await people.failed(session)
    assert await _job(session, "status, last_error") == (
        "failed",
        "Bad Request: chat not found",
    )
    assert await rows.table(session, "SELECT user_id FROM outbox WHERE kind = 'post_refused'") == [
        (deal.advertiser.user_id,)
    ]


async def test_lost_rights_suspend_the_channel_and_cost_no_attempt(
    session: AsyncSession,
) -> None:
    deal = await people.approved(session)
    claim = await people.claimed(session)
    assert await posting.record_refused(session, claim, error="Forbidden", rights_lost=True)
    assert await _job(session, "status, attempts, last_error") == ("queued", 0, "Forbidden")
    assert await rows.one(session, "SELECT status FROM channels") == "suspended"
    assert await rows.table(
        session, "SELECT user_id FROM outbox WHERE kind = 'channel_suspended' ORDER BY id"
    ) == [(deal.owner.user_id,), (None,)]
    await _assert_nothing_to_claim(session)
    await channels.record_rights_restored(session, chat_id=deal.channel.chat_id)
    assert (await people.claimed(session)).claim_no == 2


async def test_each_failed_attempt_waits_longer_and_the_last_one_fails_the_post(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    waits = []
    for attempt in range(1, posting.MAX_ATTEMPTS + 1):
        async with database.sessions.begin() as session:
            claim = await people.claimed(session)
            assert (claim.attempts, claim.claim_no) == (attempt - 1, attempt)
            assert await posting.record_not_sent(
                session, claim, error="refused", counts=True, retry_after=None
            )
        async with database.sessions.begin() as session:
            status, wait = await _job(session, "status, due_at - clock()")
            await _assert_nothing_to_claim(session)
        waits.append(wait)
        await database.forward(max(wait, timedelta()))
    assert status == "failed"
    assert waits[:-2] == sorted(waits[:-2])
    assert timedelta(seconds=8) < waits[0] < timedelta(seconds=11)


async def test_a_429_costs_no_attempt_and_delays_the_post(session: AsyncSession) -> None:
    await people.approved(session)
    claim = await people.claimed(session)
    assert await posting.record_not_sent(
        session, claim, error="429", counts=False, retry_after=timedelta(seconds=77)
    )
    status, attempts, wait = await _job(session, "status, attempts, due_at - clock()")
    assert (status, attempts) == ("queued", 0)
    assert timedelta(seconds=70) < wait <= timedelta(seconds=77)


async def test_an_uncertain_post_is_searched_for_and_not_sent_again(session: AsyncSession) -> None:
    await people.approved(session)
    claim = await people.claimed(session)
    assert await one_post.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="time-out")
    assert await _job(session) == ("uncertain",)
    assert await rows.one(session, "SELECT status FROM escrows") == "held"
    assert [
        uncertain_post.job_id
        for uncertain_post in await uncertain_posts.claim_due(session, limit=9)
    ] == [claim.job_id]
    await _assert_nothing_to_claim(session)
    assert await rescue.rescue_abandoned(session) == 0


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("since", ["rescued", "another claim", "another worker", "sent"])
async def test_a_worker_with_an_old_claim_changes_nothing(
    session: AsyncSession, since: str, record: str
) -> None:
    await people.approved(session)
    claim = await people.claimed(session)
    if since == "rescued":
        assert await posting.record_uncertain(session, claim, error="lease over")
    elif since == "another claim":
        assert await posting.release_claim(session, claim)
        await people.claimed(session)
    elif since == "another worker":
        claim = dataclasses.replace(claim, owner="somebody else")
    else:
        assert await one_post.record_published(session, claim, message_id=4)
    before = await rows.snapshot(session)
    assert not await RECORDS[record](session, claim)
    assert not await one_post.may_send(session, claim)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("stored", ["{}", '{"kind": "text", "text": "x", "colour": "red"}'])
async def test_a_post_with_an_unreadable_ad_is_claimed_without_it(
    database: Database, stored: str
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
    await database.as_owner(breakage.UNFROZEN)
    await database.as_owner(
        "UPDATE campaigns SET creative = CAST($1::text AS jsonb) WHERE id = $2",
        stored,
        deal.campaign.id,
    )
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert claim.creative is None
        assert await posting.record_refused(session, claim, error="unreadable", rights_lost=False)
        assert await escrow.list_refundable(session, limit=9) == [deal.target.id]


async def test_one_post_of_each_channel_is_claimed(session: AsyncSession) -> None:
    deals = [await people.approved(session) for _ in range(3)]
    second = await people.another(session, deals[0])
    taken = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert {claim.target_id for claim in taken} == {deal.target.id for deal in deals}
    assert await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10) == []
    await posting.record_published(session, [PublishedPost(claim, 10) for claim in taken])
    [later] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert later.target_id == second.id


async def test_posts_of_a_blocked_advertiser_are_not_claimed(session: AsyncSession) -> None:
    blocked, other = [await people.approved(session) for _ in range(2)]
    await session.execute(
        text("UPDATE users SET blocked = true WHERE id = :id"), {"id": blocked.advertiser.user_id}
    )
    [claim] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert claim.target_id == other.target.id


async def test_only_queued_posts_are_due(session: AsyncSession) -> None:
    assert await posting.seconds_until_due(session) is None
    await people.approved(session)
    due = await posting.seconds_until_due(session)
    assert due is not None
    assert due <= 0
    [claim] = await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=10)
    assert await posting.seconds_until_due(session) is None
    await posting.record_published(session, [PublishedPost(claim, 10)])
    assert await posting.seconds_until_due(session) is None


async def test_no_more_posts_than_the_limit_are_claimed(session: AsyncSession) -> None:
    for _ in range(3):
        await people.approved(session)
    assert len(await posting.claim_due(session, owner=OWNER, lease=people.LEASE, limit=2)) == 2


async def test_jobs_with_an_invalid_claim_are_skipped(session: AsyncSession) -> None:
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
    notices = await rows.table(
        session, "SELECT payload->>'message_id' FROM outbox WHERE kind = 'post_published'"
    )
    assert notices == [("20",), ("20",)]
    successes = await rows.table(
        session, "SELECT id, message_id FROM post_jobs WHERE status = 'success'"
    )
    assert successes == [(good.job_id, 20)]
