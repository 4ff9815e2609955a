"""Test what happens after an owner has altered a post or locked out the bot."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db import queries
from db.models.posting import AdPart, Verdict
from services.market import channels
from services.money import escrow
from services.platform import errors
from services.posts import breaches, manual_resolution, uncertain_posts, verification
from tests.conftest import Database
from tests.factories import one_post, people, presses, rows

HOUR = timedelta(hours=1)
AGAIN = verification.RECHECK_INTERVAL + timedelta(seconds=1)
NOTICES = "SELECT user_id, payload->>'to' FROM outbox WHERE kind = :kind ORDER BY id"


async def _posted(database: Database, *, hours: int = 24) -> people.Deal:
    async with database.sessions.begin() as session:
        return await people.posted(session, promised_hours=hours)


async def _check(database: Database, verdict: Verdict, *, compared: bool = True) -> None:
    parts = [AdPart.TEXT] if verdict is Verdict.ALTERED else []
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session,
            job_id=job_id,
            verdict=verdict,
            evidence="x",
            altered_parts=parts,
            compared=compared,
        )


async def _lose_rights(database: Database, made: people.Deal) -> None:
    async with database.sessions.begin() as session:
        await channels.record_rights_lost(
            session, chat_id=made.channel.chat_id, reason="no_post_right"
        )


async def _restore_rights(database: Database, made: people.Deal) -> None:
    async with database.sessions.begin() as session:
        await channels.record_rights_restored(session, chat_id=made.channel.chat_id)


async def _escalate(database: Database) -> int:
    async with database.sessions.begin() as session:
        return await uncertain_posts.escalate_due(session, limit=9)


async def _breach(database: Database) -> str | None:
    async with database.sessions.begin() as session:
        found: str | None = await rows.one(session, "SELECT breach FROM post_jobs")
        return found


async def _notified(database: Database, kind: str) -> list[tuple[int | None, str | None]]:
    async with database.sessions.begin() as session:
        return [(row[0], row[1]) for row in await rows.table(session, NOTICES, kind=kind)]


def _parties(made: people.Deal) -> list[tuple[int | None, str | None]]:
    return [(made.owner.user_id, "owner"), (made.advertiser.user_id, "advertiser")]


async def test_the_first_alteration_is_told_and_is_no_breach(database: Database) -> None:
    made = await _posted(database)
    await database.forward(HOUR)
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) is None
    assert await _notified(database, "post_altered") == _parties(made)
    async with database.sessions.begin() as session:
        assert await rows.one(
            session, "SELECT payload->'parts' FROM outbox WHERE kind = 'post_altered' LIMIT 1"
        ) == ["text"]
        wait = await rows.one(session, "SELECT next_check_at - clock() FROM post_jobs")
    assert timedelta() < wait <= verification.RECHECK_INTERVAL


async def test_the_check_after_an_alteration_is_at_a_random_time(database: Database) -> None:
    await _posted(database)
    waits = set()
    for _ in range(5):
        await _check(database, Verdict.ALTERED)
        async with database.sessions.begin() as session:
            wait = await rows.one(session, "SELECT next_check_at - clock() FROM post_jobs")
        waits.add(round(wait.total_seconds()))
    assert len(waits) > 1
    assert all(50 < wait <= 300 for wait in waits)


async def test_an_altered_post_is_checked_at_random_times_until_its_end(database: Database) -> None:
    await _posted(database, hours=6)
    await _check(database, Verdict.ALTERED)
    waits = set()
    for _ in range(5):
        await _check(database, Verdict.PRESENT)
        async with database.sessions.begin() as session:
            wait = await rows.one(session, "SELECT next_check_at - clock() FROM post_jobs")
        waits.add(round(wait.total_seconds()))
    assert len(waits) > 1
    assert all(50 < wait <= verification.WATCH_INTERVAL.total_seconds() for wait in waits)
    await database.forward(6 * HOUR - timedelta(minutes=1))
    await _check(database, Verdict.PRESENT)
    async with database.sessions.begin() as session:
        assert await rows.one(
            session,
            "SELECT next_check_at = release_due_at FROM post_jobs"
            " JOIN escrows USING (campaign_target_id)",
        )


async def test_a_second_alteration_is_a_breach_that_stops_the_release(database: Database) -> None:
    made = await _posted(database)
    await database.forward(HOUR)
    await _check(database, Verdict.ALTERED)
    await database.forward(AGAIN)
    await _check(database, Verdict.PRESENT)
    assert await _breach(database) is None
    await database.forward(HOUR)
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) == "altered"
    assert await _notified(database, "post_breach") == _parties(made)
    assert await _notified(database, "post_unseen") == [(None, None)]
    await database.forward(22 * HOUR)
    await _check(database, Verdict.PRESENT)
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        with pytest.raises(errors.PostNotProven):
            await escrow.release(session, target_id=made.target.id)


async def test_a_further_alteration_does_not_postpone_the_refund(database: Database) -> None:
    await _posted(database)
    for _ in range(2):
        await _check(database, Verdict.ALTERED)
    async with database.sessions.begin() as session:
        refund_at = await rows.one(session, "SELECT breach_refund_at FROM post_jobs")
    await database.forward(HOUR)
    await _check(database, Verdict.ALTERED)
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT breach_refund_at FROM post_jobs") == refund_at
    assert len(await _notified(database, "post_breach")) == 2


@pytest.mark.parametrize("before", [Verdict.UNKNOWN, Verdict.GONE])
async def test_an_alteration_after_a_check_that_saw_nothing_is_a_breach(
    database: Database, before: Verdict
) -> None:
    await _posted(database)
    await database.forward(HOUR)
    await _check(database, before)
    await database.forward(AGAIN)
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) == "altered"
    assert await _notified(database, "post_altered") == []


@pytest.mark.parametrize(("late", "breach"), [(0.4, None), (0.6, "altered")])
async def test_an_alteration_in_a_gap_that_is_wider_than_planned_is_a_breach(
    database: Database, late: float, breach: str | None
) -> None:
    await _posted(database, hours=24)
    # The first check is due at most one hour after the publication.
    await database.forward((1 + late) * HOUR)
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) == breach


async def test_a_check_without_comparison_encloses_no_alteration(database: Database) -> None:
    await _posted(database, hours=24)
    await database.forward(6 * HOUR)
    await _check(database, Verdict.PRESENT, compared=False)
    await database.forward(HOUR)
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) == "altered"


async def test_a_breach_without_a_decision_is_refunded_in_time(database: Database) -> None:
    made = await _posted(database)
    for _ in range(2):
        await _check(database, Verdict.ALTERED)
    await database.forward(breaches.DECISION_TIME - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await breaches.refund_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await breaches.refund_due(session, limit=9) == 1
        assert await breaches.refund_due(session, limit=9) == 0
        assert await escrow.list_refundable(session, limit=9) == [made.target.id]
        await escrow.refund(session, target_id=made.target.id)
    assert await _notified(database, "post_breach_refunded") == _parties(made)[:1]


async def test_a_dismissed_breach_leaves_the_decision_to_the_checks(database: Database) -> None:
    made = await _posted(database, hours=2)
    for _ in range(2):
        await _check(database, Verdict.ALTERED)
    await database.forward(2 * HOUR)
    await _check(database, Verdict.PRESENT)
    async with database.sessions.begin() as session:
        press = await presses.decide_post(session, made.moderator, "dismiss_sure", made.target.id)
        for done in (True, False):
            assert done == await manual_resolution.dismiss_breach(
                session, actor=press, target_id=made.target.id, claim_no=1
            )
        assert await breaches.refund_due(session, limit=9) == 0
    assert await _notified(database, "breach_dismissed") == _parties(made)
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=9) == [made.target.id]
        await escrow.release(session, target_id=made.target.id)
        told = await rows.table(
            session, "SELECT DISTINCT payload->'alterations' FROM outbox WHERE kind = 'target_paid'"
        )
        assert told == [(2,)]


async def test_another_alteration_after_a_dismissed_breach_is_a_breach_again(
    database: Database,
) -> None:
    made = await _posted(database)
    for _ in range(2):
        await _check(database, Verdict.ALTERED)
    async with database.sessions.begin() as session:
        press = await presses.decide_post(session, made.moderator, "dismiss_sure", made.target.id)
        await manual_resolution.dismiss_breach(
            session, actor=press, target_id=made.target.id, claim_no=1
        )
    await _check(database, Verdict.ALTERED)
    assert await _breach(database) == "altered"


async def test_rights_that_are_toggled_do_not_postpone_the_deadline(database: Database) -> None:
    made = await _posted(database, hours=24 * 8)
    cards = 0
    for _ in range(8):
        await _lose_rights(database, made)
        await database.forward(23 * HOUR)
        cards += await _escalate(database)
        await _restore_rights(database, made)
        await database.forward(HOUR / 2)
        await _lose_rights(database, made)
        await database.forward(HOUR / 2)
        cards += await _escalate(database)
        await _restore_rights(database, made)
    assert cards == 1
    assert await _breach(database) == "locked_out"
    async with database.sessions.begin() as session:
        assert await breaches.refund_due(session, limit=9) == 1
        await escrow.refund(session, target_id=made.target.id)


@pytest.mark.parametrize(("hours", "grace"), [(1, 0.5), (6, 0.6), (48, 4.8), (720, 24)])
async def test_a_lock_out_is_a_breach_after_a_tenth_of_the_hours(
    database: Database, hours: int, grace: float
) -> None:
    made = await _posted(database, hours=hours)
    await _lose_rights(database, made)
    await database.forward(grace * HOUR - timedelta(minutes=1))
    assert await _escalate(database) == 0
    await database.forward(timedelta(minutes=2))
    assert await _escalate(database) == 1
    assert await _escalate(database) == 0
    assert await _breach(database) == "locked_out"
    assert await _notified(database, "post_breach") == _parties(made)
    await _restore_rights(database, made)
    await database.forward(24 * HOUR - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await breaches.refund_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await breaches.refund_due(session, limit=9) == 1


@pytest.mark.parametrize("missed", [True, False])
async def test_a_lock_out_that_ends_in_time_is_no_breach(
    database: Database, *, missed: bool
) -> None:
    made = await _posted(database, hours=24)
    async with database.sessions.begin() as session:
        # One check is due in the lock-out, or a long time after it.
        await session.execute(
            text("UPDATE post_jobs SET next_check_at = clock() + make_interval(hours => :hours)"),
            {"hours": 1 if missed else 5},
        )
    await _lose_rights(database, made)
    await database.forward(2 * HOUR)
    await _restore_rights(database, made)
    await _check(database, Verdict.PRESENT)
    await database.forward(22 * HOUR)
    await _check(database, Verdict.PRESENT)
    assert await _escalate(database) == 0
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
        unclear = "SELECT DISTINCT payload->'unclear' FROM outbox WHERE kind = 'target_paid'"
        assert await rows.one(session, unclear) == int(missed)


async def test_rights_that_are_lost_after_the_promised_hours_are_no_breach(
    database: Database,
) -> None:
    made = await _posted(database, hours=2)
    await database.forward(2 * HOUR)
    await _check(database, Verdict.UNKNOWN)
    await _lose_rights(database, made)
    await database.forward(channels.RIGHTS_GRACE)
    assert await _escalate(database) == 1
    assert await _breach(database) is None


async def test_rights_that_are_lost_in_a_blocked_owners_channel_are_a_lock_out(
    database: Database,
) -> None:
    made = await _posted(database, hours=24)
    async with database.sessions.begin() as session:
        await session.execute(
            text("UPDATE channels SET status = 'suspended', status_reason = 'owner_blocked'")
        )
    await _lose_rights(database, made)
    await database.forward(13 * HOUR)
    assert await _escalate(database) == 1
    assert await _breach(database) == "locked_out"


@pytest.mark.parametrize("first", ["lose", "remove"])
async def test_a_lock_out_counts_in_a_removed_channel(database: Database, first: str) -> None:
    made = await _posted(database, hours=24)
    for act in ("lose", "remove") if first == "lose" else ("remove", "lose"):
        if act == "lose":
            await _lose_rights(database, made)
        else:
            async with database.sessions.begin() as session:
                await channels.remove(session, actor=made.owner, channel_id=made.channel.id)
    assert (made.owner.user_id, None) in await _notified(database, "channel_suspended")
    await database.forward(13 * HOUR)
    assert await _escalate(database) == 1
    assert await _breach(database) == "locked_out"
    await _restore_rights(database, made)
    async with database.sessions.begin() as session:
        assert len(await verification.claim_due(session, limit=9)) == 1


@pytest.mark.parametrize("when", ["sending", "locked"])
async def test_a_lock_out_that_met_a_busy_post_is_a_breach_in_time(
    database: Database, when: str
) -> None:
    async with database.sessions.begin() as session:
        if when == "sending":
            made = await people.approved(session, promised_hours=24)
            claim = await people.claimed(session)
            assert await one_post.may_send(session, claim)
        else:
            made = await people.posted(session, promised_hours=24)
    async with database.sessions.begin() as holder:
        if when == "locked":
            await queries.lock_placement(holder, made.target.id)
        await _lose_rights(database, made)
    if when == "sending":
        async with database.sessions.begin() as session:
            assert await one_post.record_published(session, claim, message_id=10)
    await database.forward(2.4 * HOUR - timedelta(minutes=1))
    assert await _escalate(database) == 0
    await database.forward(timedelta(minutes=2))
    assert await _escalate(database) == 1
    assert await _breach(database) == "locked_out"


async def test_the_refund_of_breaches_skips_locked_posts(database: Database) -> None:
    made = await _posted(database)
    for _ in range(2):
        await _check(database, Verdict.ALTERED)
    await database.forward(breaches.DECISION_TIME)
    async with database.sessions() as deciding, database.sessions() as session:
        await queries.lock_placement(deciding, made.target.id)
        await session.execute(text("SET LOCAL lock_timeout = '500ms'"))
        assert await breaches.refund_due(session, limit=9) == 0
        await deciding.rollback()
        assert await breaches.refund_due(session, limit=9) == 1


async def test_the_clock_finds_breaches_by_their_index(database: Database) -> None:
    await _posted(database)
    async with database.sessions.begin() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await rows.table(
            session,
            "EXPLAIN SELECT id FROM post_jobs WHERE status = 'success' AND breach IS NOT NULL"
            " AND breach_refund_at <= clock() AND NOT settled ORDER BY breach_refund_at LIMIT 100",
        )
    assert any("ix_post_jobs_open_breach" in row[0] for row in plan)
