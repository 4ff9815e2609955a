"""Test how advertisers cancel approved placements, and who wins if something else happens then."""

from collections.abc import Awaitable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.operations import Switch
from services.market import (
    calendars,
    campaigns,
    cancellations,
    change_requests,
    kept_times,
    moderation,
    owner_records,
)
from services.money import escrow, stuck_escrows
from services.platform import errors
from services.platform.agreement_errors import CancelTooLate
from tests.conftest import Database
from tests.factories import concurrency, people, rows
from tests.factories.people import Deal

CUTOFF = timedelta(hours=1)
LEFT = timedelta(minutes=1)
REFUNDS = "SELECT count(*) FROM ledger_transfers WHERE reason = 'refund'"


async def _planned(session: AsyncSession, ahead: timedelta = timedelta(days=2)) -> Deal:
    """Approve a placement whose time is ahead, in a channel with a calendar."""
    now = await queries.now(session)
    made = await people.deal(session)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    target = await people.another(session, made, publish_at=now + ahead)
    return Deal(made.advertiser, made.owner, made.moderator, made.campaign, made.channel, target)


async def _forward_now(database: Database) -> None:
    """Move the clock by nine days without waiting for open transactions."""
    await database.as_owner("UPDATE clock_shift SET allowed = true, shift = interval '9 days'")


def _cancel(
    session: AsyncSession, made: Deal, *, cutoff: timedelta = CUTOFF, reason: str = "plans"
) -> Awaitable[bool]:
    return cancellations.cancel(
        session,
        actor=made.advertiser,
        target_id=made.target.id,
        reason=reason,
        cutoff=cutoff,
    )


async def _state(session: AsyncSession, made: Deal) -> tuple[object, ...]:
    found = await rows.table(
        session,
        "SELECT t.status, t.cancelled_at IS NOT NULL, j.status, e.status FROM campaign_targets t"
        " JOIN post_jobs j ON j.campaign_target_id = t.id"
        " JOIN escrows e ON e.campaign_target_id = t.id WHERE t.id = :id",
        id=made.target.id,
    )
    return found[0]


CANCELLED = ("refunded", True, "cancelled", "refunded")
UNTOUCHED = ("approved", False, "queued", "held")


async def test_a_cancellation_refunds_all_frees_the_time_and_is_told(session: AsyncSession) -> None:
    made = await _planned(session)
    at = made.target.publish_at
    assert at is not None
    assert await rows.available(session, made.advertiser) == 15_000
    record = await owner_records.of_channels(session, [made.channel.id])
    with pytest.raises(errors.DomainError):
        await kept_times.require(session, made.channel.id, at)
    before = await rows.snapshot(session)
    assert await _cancel(session, made, reason="mistake")
    await people.commit(session)
    assert rows.grown(before, await rows.snapshot(session)) == {
        "ledger_transfers": 1,
        "ledger_entries": 2,
        "user_audit_logs": 2,
        "outbox": 2,
    }
    assert await _state(session, made) == CANCELLED
    assert await rows.available(session, made.advertiser) == 20_000
    await kept_times.require(session, made.channel.id, at)
    assert await rows.table(
        session,
        "SELECT user_id, payload->>'to', payload->>'reason' FROM outbox"
        " WHERE kind = 'placement_cancelled' ORDER BY id",
    ) == [(made.owner.user_id, "owner", "mistake"), (None, "staff", "mistake")]
    assert await rows.table(
        session,
        "SELECT action, user_id, metadata->>'reason' FROM user_audit_logs"
        " WHERE metadata @> :facts AND action ~ 'cancelled|refunded' ORDER BY id",
        facts=f'{{"target_id": {made.target.id}}}',
    ) == [
        ("placement_cancelled", made.advertiser.user_id, "mistake"),
        ("escrow_refunded", made.advertiser.user_id, "mistake"),
    ]
    assert await owner_records.of_channels(session, [made.channel.id]) == record
    again = await rows.snapshot(session)
    assert not await _cancel(session, made)
    assert await rows.snapshot(session) == again


async def test_it_is_too_late_from_the_cutoff_on(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session, ahead=CUTOFF + LEFT)
    await database.forward(LEFT)
    for cutoff in (CUTOFF, timedelta(days=1)):
        async with database.sessions.begin() as session:
            before = await rows.snapshot(session)
            with pytest.raises(CancelTooLate):
                await _cancel(session, made, cutoff=cutoff)
            assert await rows.snapshot(session) == before
    async with database.sessions.begin() as session:
        assert await _cancel(session, made, cutoff=CUTOFF - LEFT)


async def test_a_negative_cutoff_does_not_cancel_what_is_due(session: AsyncSession) -> None:
    made = await people.approved(session)
    with pytest.raises(CancelTooLate):
        await _cancel(session, made, cutoff=-timedelta(days=9))


async def test_only_its_advertiser_cancels_a_placement(session: AsyncSession) -> None:
    made = await _planned(session)
    before = await rows.snapshot(session)
    for actor in (made.owner, made.moderator):
        with pytest.raises(errors.NotFound):
            await cancellations.cancel(
                session, actor=actor, target_id=made.target.id, reason="plans"
            )
    with pytest.raises(errors.NotFound):
        await cancellations.cancel(
            session, actor=made.advertiser, target_id=made.target.id + 1, reason="plans"
        )
    with pytest.raises(errors.InvalidText):
        await _cancel(session, made, reason="because")
    assert await rows.snapshot(session) == before


async def test_a_pending_or_published_placement_is_not_cancelled(session: AsyncSession) -> None:
    for made in (await people.deal(session), await people.posted(session)):
        with pytest.raises(errors.InvalidMove):
            await _cancel(session, made, cutoff=-timedelta(days=9))


async def test_a_post_that_a_restored_backup_may_have_sent_is_not_cancelled(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)
    await database.as_owner("UPDATE post_jobs SET search_above = 7")
    async with database.sessions.begin() as session:
        with pytest.raises(errors.InvalidMove):
            await _cancel(session, made)
        assert await _state(session, made) == UNTOUCHED


async def test_stopped_refunds_stop_cancellations(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)

    def stop(session: AsyncSession) -> Awaitable[None]:
        return people.stop(session, Switch.REFUNDS)

    # The stop is answered before the transaction that was under way commits its refund.
    refused = await concurrency.run_behind(database.sessions, stop, partial(_cancel, made=made))
    assert isinstance(refused, errors.SwitchStopped)
    async with database.sessions.begin() as session:
        assert await _state(session, made) == UNTOUCHED
        await people.set_switch(session, Switch.REFUNDS, enabled=True)
        for other in set(Switch) - {Switch.REFUNDS}:
            await people.stop(session, other)
    async with database.sessions.begin() as session:
        assert await _cancel(session, made)


async def test_one_of_many_presses_cancels(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)
    results = await concurrency.run_concurrently(
        database.sessions, *([partial(_cancel, made=made)] * 8)
    )
    assert sorted(results) == [False] * 7 + [True]
    async with database.sessions.begin() as session:
        assert await rows.one(session, REFUNDS) == 1
        assert await rows.available(session, made.advertiser) == 20_000


async def test_a_claim_skips_a_post_that_is_being_cancelled(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)
    async with database.sessions.begin() as session:
        assert await _cancel(session, made, cutoff=timedelta())
        await _forward_now(database)
        async with database.sessions.begin() as other:
            with pytest.raises(AssertionError):
                await people.claimed(other)
    async with database.sessions.begin() as session:
        with pytest.raises(AssertionError):
            await people.claimed(session)
        assert await _state(session, made) == CANCELLED


async def test_a_cancellation_waits_for_a_claim_and_is_refused(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)
    await database.forward(timedelta(days=3))
    refused = await concurrency.run_behind(
        database.sessions, people.claimed, partial(_cancel, made=made)
    )
    assert isinstance(refused, errors.InvalidMove)
    async with database.sessions.begin() as session:
        assert (await _state(session, made))[2] == "sending"


async def test_a_cancellation_and_the_end_of_the_campaign_refund_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        first, second = [await _planned(session) for _ in range(2)]

    def end(session: AsyncSession, made: Deal) -> Awaitable[object]:
        return campaigns.cancel(session, actor=made.moderator, campaign_id=made.campaign.id)

    refused = await concurrency.run_behind(
        database.sessions, partial(end, made=first), partial(_cancel, made=first)
    )
    assert isinstance(refused, errors.InvalidMove)
    ended = await concurrency.run_behind(
        database.sessions, partial(_cancel, made=second), partial(end, made=second)
    )
    assert not isinstance(ended, errors.DomainError)
    async with database.sessions.begin() as session:
        assert await _state(session, first) == ("approved", False, "cancelled", "held")
        assert await _state(session, second) == CANCELLED
        await escrow.refund(session, target_id=first.target.id)
        with pytest.raises(errors.EscrowNotHeld):
            await escrow.refund(session, target_id=second.target.id)
        assert await rows.one(session, REFUNDS) == 2


async def test_the_watchdog_leaves_what_is_being_cancelled(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)
    async with database.sessions.begin() as session:
        assert await _cancel(session, made)
        await _forward_now(database)
        async with database.sessions.begin() as other:
            await stuck_escrows.refund_stuck_escrows(other)
    async with database.sessions.begin() as session:
        assert await _state(session, made) == CANCELLED
        assert await rows.one(session, REFUNDS) == 1


async def test_nobody_asks_for_a_change_of_what_is_being_cancelled(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _planned(session)

    def ask(session: AsyncSession) -> Awaitable[None]:
        return change_requests.ask_as_moderator(
            session, actor=made.moderator, target_id=made.target.id, version=1, words="link"
        )

    def approve(session: AsyncSession) -> Awaitable[moderation.Decision]:
        return moderation.approve(session, actor=made.moderator, target_id=made.target.id)

    asked = await concurrency.run_behind(database.sessions, partial(_cancel, made=made), ask)
    assert isinstance(asked, errors.InvalidMove)
    async with database.sessions.begin() as session:
        assert not (await approve(session)).created
        assert await _state(session, made) == CANCELLED
