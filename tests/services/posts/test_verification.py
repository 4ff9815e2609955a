"""Test when published posts are checked, and what a result means for the money."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.posting import Verdict
from services.market import channels
from services.money import escrow
from services.platform import errors
from services.posts import (
    check_claims,
    posting,
    resolution_details,
    uncertain_posts,
    verification,
)
from tests.conftest import Database
from tests.factories import breakage, one_post, people, rows

HOUR = timedelta(hours=1)
AGAIN = verification.RECHECK_INTERVAL + timedelta(seconds=1)


async def _record_check(database: Database, verdict: Verdict) -> None:
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(session, job_id=job_id, verdict=verdict, evidence="seen")


async def _due(database: Database) -> Sequence[verification.PostCheckTask]:
    """Return the due checks, and roll their claim back."""
    async with database.sessions() as session:
        return await verification.claim_due(session, limit=9)


async def _state(database: Database) -> tuple[str, str, int, int]:
    """Return the statuses of job and escrow, and the numbers of due checks and releases."""
    async with database.sessions.begin() as session:
        return (
            await rows.one(session, "SELECT status FROM post_jobs"),
            await rows.one(session, "SELECT status FROM escrows"),
            len(await _due(database)),
            len(await escrow.list_releasable(session, limit=9)),
        )


async def _posted(database: Database, *, hours: int = 2) -> people.Deal:
    async with database.sessions.begin() as session:
        return await people.posted(session, promised_hours=hours)


async def test_a_post_is_checked_when_its_hours_are_over(database: Database) -> None:
    deal = await _posted(database)
    assert await _state(database) == ("success", "held", 0, 0)
    await database.forward(2 * HOUR)
    async with database.sessions.begin() as session:
        check = (await verification.claim_due(session, limit=9))[0]
    assert (check.target_id, check.chat_id, check.message_ids, check.creative) == (
        deal.target.id,
        deal.channel.chat_id,
        (10,),
        people.advert(),
    )
    await _record_check(database, Verdict.PRESENT)
    assert await _state(database) == ("success", "held", 0, 1)


async def test_a_check_before_the_end_releases_nothing(database: Database) -> None:
    await _posted(database)
    await database.forward(HOUR)
    await _record_check(database, Verdict.PRESENT)
    await database.forward(HOUR + AGAIN)
    assert await _state(database) == ("success", "held", 1, 0)


async def test_a_post_without_promised_hours_needs_no_check(database: Database) -> None:
    await _posted(database, hours=0)
    assert await _state(database) == ("success", "held", 0, 1)


@pytest.mark.parametrize("verdict", [Verdict.ALTERED, Verdict.UNKNOWN])
async def test_altered_and_unknown_move_no_money_and_are_checked_again(
    database: Database, verdict: Verdict
) -> None:
    await _posted(database)
    await database.forward(2 * HOUR)
    for _ in range(3):
        await _record_check(database, verdict)
        assert await _state(database) == ("success", "held", 0, 0)
        await database.forward(AGAIN)
        assert await _state(database) == ("success", "held", 1, 0)


async def test_a_post_that_is_gone_twice_is_refunded_and_notified(database: Database) -> None:
    deal = await _posted(database)
    await database.forward(2 * HOUR - timedelta(minutes=1))
    await _record_check(database, Verdict.GONE)
    await _record_check(database, Verdict.GONE)  # this is too soon after the first check
    assert (await _state(database))[0] == "success"
    await database.forward(AGAIN)
    await _record_check(database, Verdict.GONE)
    assert await _state(database) == ("failed", "held", 0, 0)
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT last_error FROM post_jobs") == "removed"
        assert await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'post_gone' ORDER BY id"
        ) == [(deal.owner.user_id,), (deal.advertiser.user_id,)]
        assert await escrow.list_refundable(session, limit=9) == [deal.target.id]
        await escrow.refund(session, target_id=deal.target.id)


@pytest.mark.parametrize(("late", "in_time"), [(-1, True), (0, False), (1, False), (6, False)])
async def test_a_post_first_missed_after_its_hours_is_escalated(
    database: Database, late: int, *, in_time: bool
) -> None:
    # The owner may delete the post after its hours, and no check saw it right before their end.
    deal = await _posted(database)
    await database.forward(HOUR)
    await _record_check(database, Verdict.PRESENT)
    await database.forward(HOUR + timedelta(minutes=late))
    for _ in range(2):
        await _record_check(database, Verdict.GONE)
        await database.forward(AGAIN)
    assert await _state(database) == (
        ("failed", "held", 0, 0) if in_time else ("success", "held", 1, 0)
    )
    await database.forward(verification.ESCALATION_DELAY)
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == (0 if in_time else 1)
        case = await resolution_details.get_case(session, target_id=deal.target.id)
        assert case.needs_decision is not in_time
        assert case.unseen_before_end is not None
        assert round(case.unseen_before_end / timedelta(minutes=1)) == 60


@pytest.mark.parametrize("verdict", [Verdict.GONE, Verdict.ALTERED])
@pytest.mark.parametrize(("before", "stayed"), [(4, True), (6, False)])
async def test_a_post_that_was_seen_right_before_the_end_has_stayed(
    database: Database, before: int, *, stayed: bool, verdict: Verdict
) -> None:
    deal = await _posted(database)
    await database.forward(2 * HOUR - timedelta(minutes=before))
    await _record_check(database, Verdict.PRESENT)
    await database.forward(timedelta(minutes=before))
    await _record_check(database, Verdict.UNKNOWN)
    await database.forward(HOUR)
    await _record_check(database, verdict)
    assert await _state(database) == ("success", "held", 0, int(stayed))
    async with database.sessions.begin() as session:
        if stayed:
            await escrow.release(session, target_id=deal.target.id)
        case = await resolution_details.get_case(session, target_id=deal.target.id)
    assert case.unseen_before_end is not None
    assert round(case.unseen_before_end / timedelta(minutes=1)) == before


@pytest.mark.parametrize("between", [Verdict.PRESENT, Verdict.UNKNOWN, Verdict.ALTERED])
async def test_another_verdict_between_two_absences_resets_them(
    database: Database, between: Verdict
) -> None:
    await _posted(database)
    await database.forward(HOUR)
    for verdict in (Verdict.GONE, between, Verdict.GONE):
        await _record_check(database, verdict)
        await database.forward(AGAIN)
    assert (await _state(database))[0] == "success"


async def _claim(database: Database) -> verification.PostCheckTask:
    async with database.sessions.begin() as session:
        [claimed] = await verification.claim_due(session, limit=9)
        return claimed


async def _recorded(database: Database) -> list[tuple[str, str]]:
    """Return the result and the evidence of each check, oldest check first."""
    async with database.sessions.begin() as session:
        found = await rows.table(session, "SELECT verdict, evidence FROM post_checks ORDER BY id")
        return [(row[0], row[1]) for row in found]


@pytest.mark.parametrize("released", [False, True])
async def test_a_check_that_was_never_recorded_counts_as_unknown(
    database: Database, *, released: bool
) -> None:
    # The edit that the check sent may have restored an altered post.
    deal = await _posted(database)
    await database.forward(2 * HOUR)
    lost = await _claim(database)
    if released:
        async with database.sessions.begin() as session:
            await check_claims.release_claim(session, lost)
    await database.forward(AGAIN)
    claimed = await _claim(database)
    async with database.sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=claimed.job_id,
            verdict=Verdict.PRESENT,
            evidence="seen",
            claimed_at=claimed.claimed_at,
        )
    verdicts = [verdict for verdict, _ in await _recorded(database)]
    # If the process gave its claim back, no result is recorded for the lost check.
    assert verdicts == ([] if released else ["unknown"]) + ["present"]
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT check_began_at FROM post_jobs") is None
        await escrow.release(session, target_id=deal.target.id)
        unclear = "SELECT DISTINCT payload->'unclear' FROM outbox WHERE kind = 'target_paid'"
        assert await rows.one(session, unclear) == int(not released)


async def test_a_late_record_leaves_the_claim_of_another_process(database: Database) -> None:
    await _posted(database)
    await database.forward(2 * HOUR)
    late = await _claim(database)
    await database.forward(AGAIN)
    claimed = await _claim(database)
    async with database.sessions.begin() as session:
        await check_claims.release_claim(session, late)
        await verification.record_check(
            session,
            job_id=late.job_id,
            verdict=Verdict.UNKNOWN,
            evidence="late",
            claimed_at=late.claimed_at,
        )
        began_at = await rows.one(session, "SELECT check_began_at FROM post_jobs")
    assert began_at == claimed.claimed_at


async def test_a_settled_post_is_left_alone(database: Database) -> None:
    deal = await _posted(database, hours=0)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=deal.target.id)
        before = await rows.snapshot(session)
    for verdict in Verdict:
        await _record_check(database, verdict)
    async with database.sessions.begin() as session:
        assert await rows.snapshot(session) == before


async def test_a_post_in_a_channel_without_rights_is_not_checked(database: Database) -> None:
    deal = await _posted(database)
    async with database.sessions.begin() as session:
        await channels.record_rights_lost(session, chat_id=deal.channel.chat_id, reason="kicked")
    await database.forward(3 * HOUR)
    assert await _state(database) == ("success", "held", 0, 0)


async def test_an_uncertain_post_is_not_checked_as_a_published_one(session: AsyncSession) -> None:
    await people.approved(session, promised_hours=2)
    claim = await people.claimed(session)
    assert await one_post.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="TimeoutError")
    assert await verification.claim_due(session, limit=9) == []


async def test_lost_rights_wait_for_no_lock_and_change_no_settled_post(database: Database) -> None:
    # A process that holds the lock of a post may be waiting for the lock of the channel. If the
    # recording waited for the lock of the post, both would wait for each other.
    paid = await _posted(database, hours=1)
    await database.forward(HOUR)
    await _record_check(database, Verdict.PRESENT)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=paid.target.id)
        asked = await rows.one(session, "SELECT escalate_at FROM post_jobs")
    async with database.sessions.begin() as session:
        live = await people.posted(session, promised_hours=2)
    await breakage.run_unguarded(
        database,
        f"UPDATE post_jobs SET channel_id = {live.channel.id}",
    )
    async with database.sessions.begin() as holder, database.sessions.begin() as session:
        await queries.lock_placement(holder, live.target.id)
        await session.execute(text("SET LOCAL lock_timeout = '2s'"))
        await channels.record_rights_lost(session, chat_id=live.channel.chat_id, reason="kicked")
    async with database.sessions.begin() as session:
        assert (await channels.get(session, live.channel.id)).status == "suspended"
        due = "SELECT escalate_at FROM post_jobs WHERE campaign_target_id = :id"
        assert await rows.one(session, due, id=paid.target.id) == asked


async def test_a_check_of_an_unknown_job_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await verification.record_check(session, job_id=999_999, verdict=Verdict.GONE, evidence="x")
