"""What the clock does to the whole: stuck escrows, expiry, leases, heartbeats."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.operations import Switch
from services.market import campaigns, placement_expiry
from services.money import deposits, escrow, incidents, stuck_escrows
from services.platform import heartbeats, leases, readiness
from services.posts import posting, rescue
from tests.conftest import Database
from tests.factories import one_post, people, rows

HOUR = timedelta(hours=1)
SLA = timedelta(hours=24)


async def _states(database: Database) -> list[tuple[str, str | None, str | None]]:
    async with database.sessions.begin() as session:
        return [
            (target, job, escrow)
            for target, job, escrow in await rows.table(
                session,
                "SELECT t.status, j.status, e.status FROM campaign_targets t"
                " LEFT JOIN post_jobs j ON j.campaign_target_id = t.id"
                " LEFT JOIN escrows e ON e.campaign_target_id = t.id ORDER BY t.id",
            )
        ]


async def _watch(database: Database) -> int:
    async with database.sessions.begin() as session:
        return await stuck_escrows.refund_stuck_escrows(session, sla=SLA)


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
    assert await _states(database) == [
        ("refunded", "failed", "refunded"),
        ("approved", "queued", "held"),
    ]
    await database.forward(10 * HOUR)
    assert await _watch(database) == 1
    assert await _watch(database) == 0


async def test_the_watchdog_gives_the_money_back_and_says_so(database: Database) -> None:
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


async def test_the_watchdog_never_touches_what_may_be_out(database: Database) -> None:
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
    before = await _states(database)
    await database.forward(10 * SLA)
    assert await _watch(database) == 0
    assert await _states(database) == before


async def test_the_watchdog_refunds_a_hold_without_a_job(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await escrow.hold(session, target_id=deal.target.id)
    await database.forward(SLA + HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0  # it is the watchdog's
    assert await _watch(database) == 1
    assert await _states(database) == [("refunded", None, "refunded")]
    assert await _watch(database) == 0
    # Nor does who has seen it as stuck right before it was settled.
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
    assert await _states(database) == [("approved", "queued", "held")]
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT payload->>'acting' FROM outbox WHERE kind = 'escrow_watchdog'"
        ) == [("false",)]
        await people.run_switches(session)
    assert await _watch(database) == 1
    assert await _states(database) == [("refunded", "failed", "refunded")]


async def test_payouts_do_not_stop_the_watchdog(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        await people.stop(session, Switch.PAYOUTS)
    await database.forward(SLA + HOUR)
    assert await _watch(database) == 1
    assert await _states(database) == [("refunded", "failed", "refunded")]


async def test_undecided_targets_expire(database: Database) -> None:
    async with database.sessions.begin() as session:
        moment = await rows.one(session, "SELECT clock()")
        old = await people.deal(session)
        soon = await people.deal(session, publish_at=moment + HOUR)
        await people.approved(session, publish_at=moment + HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0
    await database.forward(HOUR + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
    assert [state[0] for state in await _states(database)] == ["pending", "expired", "approved"]
    await database.forward(72 * HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
    assert [state[0] for state in await _states(database)] == ["expired", "expired", "approved"]
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'target_expired' ORDER BY id"
        ) == [(soon.advertiser.user_id,), (old.advertiser.user_id,)]
        assert await rows.table(
            session, "SELECT count(*) FROM user_audit_logs WHERE action = 'target_expired'"
        ) == [(2,)]


async def test_what_is_held_keeps_nothing_from_expiring(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog's are not in the way, however many wait."""
    monkeypatch.setattr(incidents, "BATCH", 1)
    async with database.sessions.begin() as session:
        held, _ = await people.deal(session), await people.deal(session)
        await escrow.hold(session, target_id=held.target.id)
    await database.forward(4 * 24 * HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1


async def test_the_clock_withdraws_what_a_cancelled_campaign_left(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    # As a submission that committed between the two locks of the cancellation leaves it.
    await database.as_owner("UPDATE campaigns SET status = 'cancelled'")
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
        assert await campaigns.budget_left(session, deal.campaign.id) == 20_000
    assert await _states(database) == [("withdrawn", None, None)]


async def test_one_holder_of_a_lease_at_a_time(database: Database) -> None:
    minute = timedelta(minutes=1)

    async def take(owner: str, ttl: timedelta = minute) -> int | None:
        async with database.sessions.begin() as session:
            return await leases.acquire(session, name="polling", owner=owner, ttl=ttl)

    async def drop(owner: str) -> None:
        async with database.sessions.begin() as session:
            await leases.release(session, name="polling", owner=owner)

    assert await take("a") == 1
    assert await take("b") is None
    assert await take("a") == 1  # prolonged
    await database.forward(24 * HOUR)  # it runs by the real clock
    assert await take("b") is None
    await drop("b")  # somebody else's
    assert await take("b") is None
    await drop("a")
    assert await take("b", timedelta(0)) == 2
    assert await take("a") == 3


async def test_heartbeats_and_readiness(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
        await people.stop(session, Switch.PAYOUTS)
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'refunds'")
    async with database.sessions.begin() as session:
        ready = await readiness.read_state(session)
    assert ready["scheduler"] is True
    assert ready["switches"]["payouts"] == "disabled"
    assert ready["switches"]["refunds"] == "missing"
    assert ready["switches"]["deposits"] == "enabled"
    await database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '61 seconds'")
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
    async with database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name="scheduler")


async def test_the_clock_is_not_shifted_unless_somebody_shifts_it(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == timedelta(0)
    await database.forward(HOUR)
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == HOUR


async def test_a_target_of_nobody_is_no_work(session: AsyncSession) -> None:
    assert await stuck_escrows.refund_stuck_escrows(session) == 0
    assert await placement_expiry.expire_targets(session) == 0
    assert await deposits.credit_due(session) == 0
    assert await rescue.rescue_abandoned(session) == 0
