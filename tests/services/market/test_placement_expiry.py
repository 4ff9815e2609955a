"""Test that a placement expires if no admin decides in time."""

from datetime import timedelta

import pytest

from services.market import campaigns, placement_expiry
from services.money import escrow
from tests.conftest import Database
from tests.factories import people, rows

HOUR = timedelta(hours=1)


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
    assert [state[0] for state in await rows.placement_statuses(database.sessions)] == [
        "pending",
        "expired",
        "approved",
    ]
    await database.forward(70 * HOUR + timedelta(minutes=58))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 0
    await database.forward(timedelta(minutes=3))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
    assert [state[0] for state in await rows.placement_statuses(database.sessions)] == [
        "expired",
        "expired",
        "approved",
    ]
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'target_expired' ORDER BY id"
        ) == [(soon.advertiser.user_id,), (old.advertiser.user_id,)]
        assert await rows.table(
            session, "SELECT count(*) FROM user_audit_logs WHERE action = 'target_expired'"
        ) == [(2,)]


async def test_a_placement_that_waits_for_a_debt_expires_in_time(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.in_debt(session)
    await database.forward(72 * HOUR + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
    assert [state[0] for state in await rows.placement_statuses(database.sessions)] == ["expired"]
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT user_id, (payload->>'loss')::int FROM outbox WHERE kind = 'target_expired'",
        ) == [(deal.advertiser.user_id, people.PRICE)]
        assert await rows.available(session, deal.advertiser) == people.PRICE


async def test_targets_with_an_escrow_do_not_block_others_from_expiring(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement_expiry, "BATCH", 1)
    async with database.sessions.begin() as session:
        held, _ = await people.deal(session), await people.deal(session)
        await escrow.hold(session, target_id=held.target.id)
    await database.forward(4 * 24 * HOUR)
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1


async def test_pending_targets_of_a_cancelled_campaign_are_withdrawn(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    # A submission that commits between the two locks of the cancellation leaves such a target.
    await database.as_owner("UPDATE campaigns SET status = 'cancelled'")
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
        assert await campaigns.budget_left(session, deal.campaign.id) == 20_000
    assert await rows.placement_statuses(database.sessions) == [("withdrawn", None, None)]
