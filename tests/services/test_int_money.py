"""Test the integration cases of the safety plan, for example `INT_WL_01`."""
# ruff: noqa: N802 - named as the plan names them, so that they are found

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.posting import Verdict
from db.money import MAX_AMOUNT
from services.market import moderation
from services.money import escrow
from services.platform import errors
from services.platform.actors import SYSTEM
from services.posts import posting, verification
from tests.conftest import Database
from tests.factories import one_post, payments, people, rows

DAY = timedelta(days=1)


async def test_INT_WL_01_deposit_raises_wallet_and_ledger_together(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
        before = await rows.snapshot(session)
        assert await rows.available(session, person) == 0
    assert person.user_id is not None
    async with database.sessions.begin() as session:
        deposit = await payments.deposit(
            session, user_id=person.user_id, amount=2_500, key="charge-1", source="telegram"
        )
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT w.kind, e.amount, e.balance_after, e.reason, e.reference_id, t.reason,"
            " w.balance"
            " FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id"
            " JOIN ledger_transfers t ON t.id = e.transfer_id ORDER BY e.amount",
        ) == [
            ("external", -2_500, -2_500, "deposit", deposit.id, "deposit", -2_500),
            ("user", 2_500, 2_500, "deposit", deposit.id, "deposit", 2_500),
        ]
        assert await rows.one(session, "SELECT status FROM deposits") == "credited"
        assert await rows.table(
            session,
            "SELECT action, (metadata->>'amount')::int FROM user_audit_logs"
            " WHERE action = 'deposit_credited'",
        ) == [("deposit_credited", 2_500)]
        after = await rows.snapshot(session)
    assert rows.grown(before, after) == {
        "received_payments": 1,
        "deposits": 1,
        "ledger_transfers": 1,
        "ledger_entries": 2,
        "user_audit_logs": 1,
        "outbox": 1,
    }


async def test_INT_WL_01_the_same_payment_twice_is_credited_once(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
    assert person.user_id is not None
    ids = set()
    for _ in range(2):
        async with database.sessions.begin() as session:
            deposit = await payments.deposit(
                session, user_id=person.user_id, amount=700, key="charge-2", source="telegram"
            )
            ids.add(deposit.id)
            state = await rows.snapshot(session)
    assert len(ids) == 1
    assert len(state["ledger_transfers"]) == 1
    with pytest.raises(errors.IdempotencyConflict):
        async with database.sessions.begin() as session:
            await payments.deposit(
                session, user_id=person.user_id, amount=701, key="charge-2", source="telegram"
            )
    async with database.sessions.begin() as session:
        assert await rows.snapshot(session) == state


async def test_INT_ES_01_hold_takes_the_price_into_escrow(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=20_000, price=5_000)
    async with database.sessions.begin() as session:
        await escrow.hold(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT e.status, e.amount, e.fee, w.balance, t.status FROM escrows e"
            " JOIN wallets w ON w.id = e.wallet_id"
            " JOIN campaign_targets t ON t.id = e.campaign_target_id",
        ) == [("held", 5_000, 500, 5_000, "pending")]
        assert await rows.available(session, deal.advertiser) == 15_000
        assert await rows.table(
            session,
            "SELECT amount, balance_after, reference_id FROM ledger_entries"
            " WHERE reason = 'escrow_hold' ORDER BY amount",
        ) == [(-5_000, 15_000, deal.target.id), (5_000, 5_000, deal.target.id)]


async def test_INT_ES_01_a_second_hold_returns_the_first(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        first = await escrow.hold(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        before = await rows.snapshot(session)
        second = await escrow.hold(session, target_id=deal.target.id)
        assert second.id == first.id
    async with database.sessions.begin() as session:
        assert await rows.snapshot(session) == before


async def _out_while_pending(database: Database, **terms: Any) -> people.Deal:
    """Create a pending placement whose money is held and whose post is published."""
    async with database.sessions.begin() as session:
        deal = await people.deal(session, **terms)
        await escrow.hold(session, target_id=deal.target.id)
        await people.queue(session, deal.target)
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
    async with database.sessions.begin() as session:
        assert await one_post.record_published(session, claim, message_id=77)
    return deal


async def test_INT_ES_02_release_pays_the_owner(database: Database) -> None:
    deal = await _out_while_pending(database, price=5_005, promised_hours=24)
    await database.forward(DAY + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="forwarded"
        )
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=10) == [deal.target.id]
        await escrow.release(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT e.status, t.status, w.balance, e.settled_at IS NOT NULL, j.settled"
            " FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id"
            " JOIN post_jobs j ON j.campaign_target_id = t.id"
            " JOIN wallets w ON w.id = e.wallet_id",
        ) == [("released", "posted", 0, True, True)]
        assert await escrow.list_releasable(session, limit=10) == []
        assert await rows.table(
            session,
            "SELECT l.reason, l.amount, w.kind FROM ledger_entries l"
            " JOIN wallets w ON w.id = l.wallet_id JOIN ledger_transfers t ON t.id = l.transfer_id"
            " WHERE t.reason = 'payout' AND l.reference_id = :id ORDER BY l.amount",
            id=deal.target.id,
        ) == [
            ("escrow_release", -5_005, "escrow"),
            ("fee", 500, "revenue"),
            ("payout", 4_505, "user"),
        ]
        assert await rows.available(session, deal.owner) == 4_505
        assert await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'target_paid' ORDER BY id"
        ) == [(deal.owner.user_id,), (deal.advertiser.user_id,)]


@pytest.mark.parametrize(
    ("price", "fee_bps", "fee"),
    [
        (5_000, 1_000, 500),
        (9, 1_000, 0),
        (1, 9_999, 0),
        (99_999, 3_333, 33_329),
        (MAX_AMOUNT, 9_999, 999_900_000_000_000),
    ],
)
async def test_the_fee_is_the_floor(
    session: AsyncSession, price: int, fee_bps: int, fee: int
) -> None:
    deal = await people.deal(session, balance=price, price=price, fee_bps=fee_bps)
    held = await escrow.hold(session, target_id=deal.target.id)
    assert (held.amount, held.fee) == (price, fee)


@pytest.mark.parametrize(("price", "fee_bps", "fee"), [(1, 1_000, 0), (9, 9_999, 8), (7, 0, 0)])
async def test_INT_ES_02_a_zero_fee_has_no_leg(
    database: Database, price: int, fee_bps: int, fee: int
) -> None:
    deal = await _out_while_pending(database, price=price, fee_bps=fee_bps, promised_hours=0)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        fees = await rows.table(session, "SELECT amount FROM ledger_entries WHERE reason = 'fee'")
        assert fees == ([(fee,)] if fee else [])
        assert await rows.available(session, deal.owner) == price - fee


@pytest.mark.parametrize("settle", [escrow.release, escrow.refund])
async def test_an_unknown_target_is_not_settled(session: AsyncSession, settle: Any) -> None:
    for nothing in (settle, escrow.hold):
        with pytest.raises(errors.NotFound):
            await nothing(session, target_id=999_999)
    deal = await people.deal(session)
    with pytest.raises(errors.EscrowNotHeld):
        await settle(session, target_id=deal.target.id)


async def test_INT_ES_03_refund_gives_everything_back(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=20_000, price=5_000)
        await escrow.hold(session, target_id=deal.target.id)
        await people.queue(session, deal.target)
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert await posting.record_refused(
            session, claim, error="Bad Request: wrong file", rights_lost=False
        )
    async with database.sessions.begin() as session:
        assert await escrow.list_refundable(session, limit=10) == [deal.target.id]
        await escrow.refund(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT e.status, t.status, j.status, j.settled, w.balance FROM escrows e"
            " JOIN campaign_targets t ON t.id = e.campaign_target_id"
            " JOIN post_jobs j ON j.campaign_target_id = t.id"
            " JOIN wallets w ON w.id = e.wallet_id",
        ) == [("refunded", "refunded", "failed", True, 0)]
        assert await escrow.list_refundable(session, limit=10) == []
        assert await rows.table(
            session,
            "SELECT amount FROM ledger_entries WHERE reason = 'refund' ORDER BY amount",
        ) == [(-5_000,), (5_000,)]
        assert await rows.available(session, deal.advertiser) == 20_000
        assert await rows.available(session, deal.owner) == 0


@pytest.mark.parametrize("missing", [False, True], ids=["stopped", "row missing"])
async def test_INT_KS_01_new_escrows_stops_hold_and_approve(
    database: Database, *, missing: bool
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    await _shut(database, Switch.NEW_ESCROWS, missing=missing)
    assert isinstance(
        await rows.refused(
            database.sessions,
            lambda session: escrow.hold(session, target_id=deal.target.id),
            actor=SYSTEM,
            action="hold_escrow",
        ),
        errors.SwitchStopped,
    )
    assert isinstance(
        await rows.refused(
            database.sessions,
            lambda session: moderation.approve(
                session, actor=deal.moderator, target_id=deal.target.id
            ),
            actor=deal.moderator,
            action="moderation_approve",
        ),
        errors.SwitchStopped,
    )


async def test_INT_KS_01_an_approval_that_adopts_a_hold_is_stopped_too(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await escrow.hold(session, target_id=deal.target.id)
    await _shut(database, Switch.NEW_ESCROWS, missing=False)
    assert isinstance(
        await rows.refused(
            database.sessions,
            lambda session: moderation.approve(
                session, actor=deal.moderator, target_id=deal.target.id
            ),
            actor=deal.moderator,
            action="moderation_approve",
        ),
        errors.SwitchStopped,
    )


@pytest.mark.parametrize("missing", [False, True], ids=["stopped", "row missing"])
async def test_INT_KS_01_payouts_stops_release_but_never_refunds(
    database: Database, *, missing: bool
) -> None:
    async with database.sessions.begin() as session:
        paid = await people.posted(session, promised_hours=0)
        lost = await people.failed(session)
    await _shut(database, Switch.PAYOUTS, missing=missing)
    assert isinstance(
        await rows.refused(
            database.sessions,
            lambda session: escrow.release(session, target_id=paid.target.id),
            actor=SYSTEM,
            action="release",
        ),
        errors.SwitchStopped,
    )
    async with database.sessions.begin() as session:
        await escrow.refund(session, target_id=lost.target.id)
    async with database.sessions.begin() as session:
        assert await rows.available(session, lost.advertiser) == 20_000


@pytest.mark.parametrize("missing", [False, True], ids=["stopped", "row missing"])
async def test_INT_KS_01_refunds_stops_refunds(database: Database, *, missing: bool) -> None:
    async with database.sessions.begin() as session:
        lost = await people.failed(session)
    await _shut(database, Switch.REFUNDS, missing=missing)
    assert isinstance(
        await rows.refused(
            database.sessions,
            lambda session: escrow.refund(session, target_id=lost.target.id),
            actor=SYSTEM,
            action="refund",
        ),
        errors.SwitchStopped,
    )


async def _shut(database: Database, key: Switch, *, missing: bool) -> None:
    if missing:
        await database.as_owner("DELETE FROM kill_switches WHERE key = $1", key.value)
        return
    async with database.sessions.begin() as session:
        await people.stop(session, key)
