"""Test that an escrow is refunded if its post was not sent in time."""

from datetime import timedelta

import pytest

from db.models.operations import Switch
from services.market import placement_expiry
from services.money import escrow, stuck_escrows
from services.posts import posting
from tests.conftest import Database
from tests.factories import one_post, people, rows

HOUR = timedelta(hours=1)
SLA = timedelta(hours=24)


async def _watch(database: Database) -> int:
    async with database.sessions.begin() as session:
        return await stuck_escrows.refund_stuck_escrows(session)


async def test_the_watchdog_counts_from_the_later_of_hold_and_publish_at(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        moment = await rows.one(session, "SELECT clock()")
        await people.approved(session)
        await people.approved(session, publish_at=moment + 10 * HOUR)
    await database.forward(SLA - timedelta(minutes=1))
    assert await _watch(database) == 0
    await database.forward(timedelta(minutes=2))
    assert await _watch(database) == 1
    assert await rows.placement_statuses(database.sessions) == [
        ("refunded", "failed", "refunded"),
        ("approved", "queued", "held"),
    ]
    await database.forward(10 * HOUR)
    assert await _watch(database) == 1
    assert await _watch(database) == 0


async def test_the_watchdog_refunds_and_notifies(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
    await database.forward(SLA + HOUR)
    assert await _watch(database) == 1
    async with database.sessions.begin() as session:
        assert await rows.available(session, deal.advertiser) == 20_000
        assert await rows.one(session, "SELECT last_error FROM post_jobs") == "not posted in time"
        assert await rows.table(
            session,
            "SELECT kind, user_id FROM outbox WHERE kind IN ('target_refunded', 'escrow_watchdog')"
            " ORDER BY kind",
        ) == [("escrow_watchdog", None), ("target_refunded", deal.advertiser.user_id)]


async def test_the_watchdog_never_touches_a_post_that_may_be_published(database: Database) -> None:
    async with database.sessions.begin() as session:
        for state in ("sending", "uncertain", "success", "failed"):
            await people.approved(session)
            claim = await people.claimed(session)
            if state == "uncertain":
                assert await posting.record_uncertain(session, claim, error="x")
            elif state == "success":
                assert await one_post.record_published(session, claim, message_id=5)
            elif state == "failed":
                assert await posting.record_refused(session, claim, error="x", rights_lost=False)
    before = await rows.placement_statuses(database.sessions)
    await database.forward(10 * SLA)
    assert await _watch(database) == 0
    assert await rows.placement_statuses(database.sessions) == before


async def test_the_watchdog_refunds_a_hold_without_a_job(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await escrow.hold(session, target_id=deal.target.id)
    await database.forward(SLA + HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0  # the watchdog refunds it
    assert await _watch(database) == 1
    assert await rows.placement_statuses(database.sessions) == [("refunded", None, "refunded")]
    assert await _watch(database) == 0
    # Another watchdog may have read the escrow as stuck before the refund. It changes nothing.
    async with database.sessions.begin() as session:
        before = await rows.snapshot(session)
        await stuck_escrows._fail_and_refund(session, deal.target.id)
        assert await rows.snapshot(session) == before


@pytest.mark.parametrize("key", [Switch.WORKER_WATCHDOGS, Switch.REFUNDS])
async def test_a_stopped_watchdog_only_counts_and_alerts(database: Database, key: Switch) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        await people.stop(session, key)
    await database.forward(SLA + HOUR)
    for _ in range(2):
        assert await _watch(database) == 1
    assert await rows.placement_statuses(database.sessions) == [("approved", "queued", "held")]
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT payload->>'acting' FROM outbox WHERE kind = 'escrow_watchdog'"
        ) == [("false",)]
        await people.run_switches(session)
    assert await _watch(database) == 1
    assert await rows.placement_statuses(database.sessions) == [("refunded", "failed", "refunded")]


async def test_stopped_payouts_do_not_stop_the_watchdog(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        await people.stop(session, Switch.PAYOUTS)
    await database.forward(SLA + HOUR)
    assert await _watch(database) == 1
    assert await rows.placement_statuses(database.sessions) == [("refunded", "failed", "refunded")]
