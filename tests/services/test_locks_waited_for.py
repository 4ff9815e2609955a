"""Test which operations wait for locked rows, and which operations skip locked rows."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import RequestKind
from services.market import (
    campaigns,
    channels,
    moderation,
    placement_expiry,
    staff_requests,
    user_blocks,
)
from services.money import (
    correction_expiry,
    corrections,
    deposits,
    escrow,
    stuck_escrows,
    wallets,
    withdrawals,
)
from services.platform import errors, inbox, outbox
from services.posts import posting, rescue, uncertain_posts, verification
from tests.conftest import Database
from tests.factories import one_post, payments, people, presses, rows

Act = Callable[[AsyncSession], Awaitable[Any]]


def _without_waiting(act: Act) -> Act:
    """Return a function that runs the operation with a lock timeout of 0.5 s."""

    async def act_without_waiting(session: AsyncSession) -> Any:
        await session.execute(text("SET LOCAL lock_timeout = '500ms'"))
        return await act(session)

    return act_without_waiting


async def _assert_skips_locked(database: Database, act: Act, *, first: Any, second: Any) -> None:
    """Assert that the second of two concurrent runs skips locked rows."""
    async with database.sessions() as one, database.sessions() as other:
        assert _count(await act(one)) == first
        assert _count(await _without_waiting(act)(other)) == second
        await one.rollback()
        await other.rollback()


def _count(answer: Any) -> Any:
    return len(answer) if isinstance(answer, list) else answer


async def test_ticks_skip_locked_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal, other = await people.deal(session), await people.person(session)
        await people.approved(session)
        await people.stop(session, Switch.DEPOSITS)
        await payments.deposit(
            session,
            user_id=deal.advertiser.user_id or 0,
            amount=5,
            key="late",
            source="telegram",
        )
        await people.run_switches(session)
        await staff_requests.create(
            session,
            actor=deal.moderator,
            kind=RequestKind.CLAWBACK,
            arguments={"charge_id": "late"},
            reason="a letter of the bank",
            from_shell=True,
        )
        giver = await wallets.of_user(session, deal.owner.user_id or 0)
        taker = await wallets.of_user(session, other.user_id or 0)
        await presses.propose(
            corrections.propose_adjustment,
            session,
            actor=deal.moderator,
            from_wallet=giver.id,
            to_wallet=taker.id,
            amount=1,
            reason="a mistake",
        )
    await database.forward(timedelta(hours=80))
    for drop_ended, ended in ((staff_requests.drop_ended, 2), (correction_expiry.drop_ended, 1)):
        await _assert_skips_locked(database, partial(drop_ended, limit=9), first=ended, second=0)
    await _assert_skips_locked(database, deposits.credit_due, first=1, second=0)
    await _assert_skips_locked(database, placement_expiry.expire_targets, first=1, second=0)
    await _assert_skips_locked(database, stuck_escrows.refund_stuck_escrows, first=1, second=0)


async def test_workers_skip_locked_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        for _ in range(2):
            await people.approved(session)
        await inbox.store(session, [{"update_id": 1, "message": {"chat": {"id": 5}}}])
        waiting = await rows.one(session, "SELECT count(*) FROM outbox WHERE status = 'queued'")

    async def claim(session: AsyncSession) -> bool:
        return await one_post.claim(session, owner="w", lease=people.LEASE) is not None

    await _assert_skips_locked(database, claim, first=True, second=True)
    await _assert_skips_locked(database, partial(inbox.claim, limit=9), first=1, second=0)
    await _assert_skips_locked(database, partial(outbox.claim, limit=99), first=waiting, second=0)


async def test_the_rescue_skips_locked_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        assert await one_post.claim(session, owner="w", lease=-people.LEASE)
    await _assert_skips_locked(database, rescue.rescue_abandoned, first=1, second=0)


async def test_checks_and_escalations_skip_locked_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=2)
        await people.approved(session)
        claim = await people.claimed(session)
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="TimeoutError")
        unwanted = await people.approved(session)
        await people.block(session, unwanted.advertiser)
    await database.forward(timedelta(hours=80))
    await _assert_skips_locked(
        database, partial(verification.claim_due, limit=9), first=1, second=0
    )
    await _assert_skips_locked(
        database, partial(uncertain_posts.claim_due, limit=9), first=1, second=0
    )
    await _assert_skips_locked(
        database, partial(uncertain_posts.escalate_due, limit=9), first=1, second=0
    )
    await _assert_skips_locked(database, rescue.cancel_unwanted, first=1, second=0)


async def _second_press(database: Database, first: Act, second: Act) -> Any:
    """Assert that `second` waits for the commit of `first`, and return the result of `second`."""
    async with database.sessions() as earlier:
        await first(earlier)

        async def press() -> Any:
            async with database.sessions.begin() as session:
                return await second(session)

        waiting = asyncio.create_task(press())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await earlier.commit()
    return await waiting


async def test_a_second_save_of_a_form_waits_for_the_first(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        other = await people.campaign(session, deal.advertiser)
    create = partial(
        campaigns.create,
        actor=deal.advertiser,
        name="Twice",
        creative=people.advert(),
        total_budget=10_000,
        key="form-1",
    )
    submit = partial(
        campaigns.submit_target,
        actor=deal.advertiser,
        channel_id=deal.channel.id,
        publish_at=None,
        fee_bps=1_000,
        key="form-2",
    )
    made = await _second_press(database, create, create)
    async with database.sessions.begin() as session:
        assert (await create(session)).id == made.id
    with pytest.raises(errors.IdempotencyConflict):
        await _second_press(
            database,
            partial(submit, campaign_id=deal.campaign.id),
            partial(submit, campaign_id=other.id),
        )


async def test_an_outside_payment_that_is_being_recorded_is_waited_for(database: Database) -> None:
    """Check that one bank payment cannot be recorded for two withdrawals."""
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        admin = await people.staff(session)
        first, second = [
            await withdrawals.request(session, actor=person, amount=40, key=f"form-{n}")
            for n in range(2)
        ]
        for withdrawal in (first, second):
            await withdrawals.approve(session, actor=admin, withdrawal_id=withdrawal.id)
    pay = partial(withdrawals.mark_paid, actor=admin, external_reference="bank-1")
    with pytest.raises(errors.IdempotencyConflict):
        await _second_press(
            database,
            partial(pay, withdrawal_id=first.id),
            partial(pay, withdrawal_id=second.id),
        )


async def test_an_approval_under_way_is_not_waited_for_when_an_owner_is_blocked(
    database: Database,
) -> None:
    # An approval locks wallets. The reversal of a payment blocks the payer and locks wallets too.
    # If the block waited for the approval, both transactions could wait for each other.
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    block = partial(
        user_blocks.block_by_staff,
        actor=deal.moderator,
        user_id=deal.owner.user_id or 0,
        reason="spam",
    )
    async with database.sessions() as approving, database.sessions.begin() as session:
        await people.approve(approving, deal)
        assert await _without_waiting(block)(session)


async def test_a_channel_that_is_being_removed_stays_so_when_its_owner_is_blocked(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    assert await _second_press(
        database,
        partial(channels.remove, actor=deal.owner, channel_id=deal.channel.id),
        partial(
            user_blocks.block_by_staff,
            actor=deal.moderator,
            user_id=deal.owner.user_id or 0,
            reason="spam",
        ),
    )
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT status FROM channels") == "removed"


async def test_the_watchdog_waits_for_a_claim_and_leaves_its_post(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    await database.forward(timedelta(hours=80))
    claim = partial(one_post.claim, owner="w", lease=people.LEASE)
    assert await _second_press(database, claim, stuck_escrows.refund_stuck_escrows) == 1
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT status FROM post_jobs") == "sending"
        assert await rows.one(session, "SELECT status FROM escrows") == "held"


async def test_a_hold_during_the_expiry_keeps_its_placement(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    await database.forward(timedelta(hours=80))
    # A slow `clock()` makes the expiry slow.
    await database.as_owner(
        "ALTER FUNCTION clock() RENAME TO clock_of_old;"
        " CREATE FUNCTION clock() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$ BEGIN"
        " IF current_setting('test.slow', true) = 'on' THEN PERFORM pg_sleep(1); END IF;"
        " RETURN clock_of_old(); END $$; GRANT EXECUTE ON FUNCTION clock() TO adtech_app"
    )

    async def expire() -> int:
        async with database.sessions.begin() as session:
            await session.execute(text("SET LOCAL test.slow = 'on'"))
            return await placement_expiry.expire_targets(session)

    expiring = asyncio.create_task(expire())
    await asyncio.sleep(0.3)
    async with database.sessions.begin() as session:
        await escrow.hold(session, target_id=deal.target.id)
    assert not expiring.done()
    assert await expiring == 0
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT status FROM campaign_targets") == "pending"


@pytest.mark.parametrize("state", ["rejected", "expired"])
async def test_a_decided_placement_stays_so_when_its_campaign_ends(
    database: Database, state: str
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        if state == "rejected":
            await moderation.reject(
                session, actor=deal.moderator, target_id=deal.target.id, reason="no"
            )
    await database.forward(timedelta(hours=80))
    async with database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
        await campaigns.cancel(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
        found = await rows.one(session, "SELECT status FROM campaign_targets")
    assert found == state
