"""Test that payouts in Stars which are too young stay in the wallet."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Reason, WalletKind, Withdrawal
from db.money import STARS
from db.session import sqlstate
from sandbox import embedded
from services.money import invariants, ledger, payout_holds, wallets, withdrawals
from services.money.ledger import Leg
from services.money.payout_holds import YOUNG
from services.money.payout_terms import PayoutTerms
from services.platform.actors import Actor
from services.platform.payout_errors import NotYetWithdrawable
from tests.conftest import Database, copied_database
from tests.factories import breakage, people
from tests.factories.earnings import PAYOUT, earn

TERMS = PayoutTerms(stars_hold_days=21)


async def _ask(session: AsyncSession, person: Actor, amount: int, **terms: Any) -> Any:
    return await withdrawals.request(
        session,
        actor=person,
        amount=amount,
        key=f"form-{people.number()}",
        terms=PayoutTerms(**{"stars_hold_days": 21, **terms}),
    )


async def _free(session: AsyncSession, person: Actor) -> payout_holds.Withdrawable:
    return await payout_holds.of_user(session, person.user_id or 0, TERMS)


@pytest.fixture
async def owner_of_stars(database: Database) -> Actor:
    """Return an owner who was paid in Stars 21 days less one hour ago, and again now."""
    async with database.sessions.begin() as session:
        owner = await people.person(session, currency=STARS)
        await earn(session, owner)
    await database.forward(timedelta(days=20, hours=23))
    async with database.sessions.begin() as session:
        await earn(session, owner)
    return owner


async def test_the_oldest_money_leaves_first(database: Database, owner_of_stars: Actor) -> None:
    with pytest.raises(NotYetWithdrawable) as refused:
        async with database.sessions.begin() as session:
            await _ask(session, owner_of_stars, 1)
    async with database.sessions.begin() as session:
        found = await _free(session, owner_of_stars)
        assert found.now == 0
        assert [step.amount for step in found.later] == [PAYOUT, 2 * PAYOUT]
        soon = found.later[0].at - await queries.now(session)
        assert timedelta(minutes=50) < soon <= timedelta(hours=1)
        assert (refused.value.left, refused.value.until) == (0, found.later[0].at)
    await database.forward(timedelta(hours=1))
    with pytest.raises(NotYetWithdrawable) as refused:
        async with database.sessions.begin() as session:
            await _ask(session, owner_of_stars, PAYOUT + 1)
    assert (refused.value.needed, refused.value.left) == (PAYOUT + 1, PAYOUT)
    async with database.sessions.begin() as session:
        made = await _ask(session, owner_of_stars, PAYOUT)
        assert (made.hold_days, made.fee) == (21, 0)
        found = await _free(session, owner_of_stars)
        assert (found.now, [step.amount for step in found.later]) == (0, [PAYOUT])
        await withdrawals.cancel(session, actor=owner_of_stars, withdrawal_id=made.id)
        assert (await _free(session, owner_of_stars)).now == PAYOUT


async def test_what_was_spent_does_not_become_free(
    database: Database, owner_of_stars: Actor
) -> None:
    async with database.sessions.begin() as session:
        await people.spend(session, owner_of_stars, 2 * PAYOUT - 100)
        found = await _free(session, owner_of_stars)
        assert (found.now, [step.amount for step in found.later]) == (0, [100])
        at = found.later[0].at
    assert at > (await _now(database)) + timedelta(days=20)
    with pytest.raises(NotYetWithdrawable):
        async with database.sessions.begin() as session:
            await _ask(session, owner_of_stars, 1)


async def _now(database: Database) -> Any:
    async with database.sessions.begin() as session:
        return await queries.now(session)


async def test_other_money_and_other_currencies_have_no_hold(session: AsyncSession) -> None:
    owner = await people.person(session)
    await earn(session, owner, currency=people.CURRENCY)
    person = await people.person(session, balance=300, currency=STARS)
    assert (await _ask(session, owner, PAYOUT)).hold_days is None
    assert (await payout_holds.of_user(session, person.user_id or 0, TERMS)).later == []
    made = await withdrawals.request(
        session, actor=person, amount=300, key="deposited", terms=TERMS
    )
    assert made.hold_days == 21
    await people.commit(session)


async def _hold_by_hand(database: Database, owner_of_stars: Actor, hold_days: int) -> None:
    """Request a withdrawal as `withdrawals.request` does, but without its checks."""
    async with database.sessions.begin() as session:
        user_id = owner_of_stars.user_id or 0
        wallet = await wallets.of_user(session, user_id)
        made = Withdrawal(user_id=user_id, amount=1, currency=STARS, hold_days=hold_days)
        session.add(made)
        await session.flush()
        holding = await ledger.open_wallet(
            session, WalletKind.WITHDRAWAL, currency=STARS, user_id=user_id
        )
        await ledger.post(
            session,
            key=f"withdrawal_hold:{made.id}",
            reason=Reason.WITHDRAWAL_HOLD,
            reference_id=made.id,
            legs=[
                Leg(wallet.id, -1, Reason.WITHDRAWAL_HOLD),
                Leg(holding, 1, Reason.WITHDRAWAL_HOLD),
            ],
        )


async def test_the_database_refuses_at_the_commit(
    database: Database, owner_of_stars: Actor
) -> None:
    with pytest.raises(DBAPIError) as refused:
        await _hold_by_hand(database, owner_of_stars, 21)
    assert sqlstate(refused.value) == "AD123"
    # The older payout is not younger than 20 days.
    await _hold_by_hand(database, owner_of_stars, 20)
    for wrong in (0, -1):
        with pytest.raises(DBAPIError) as refused:
            await _hold_by_hand(database, owner_of_stars, wrong)
        assert sqlstate(refused.value) == "23514"


async def test_a_hold_that_was_broken_is_a_violation(
    database: Database, owner_of_stars: Actor
) -> None:
    async with database.sessions.begin() as session:
        made = await _ask(session, owner_of_stars, 1, stars_hold_days=0)
    await breakage.run_unguarded(
        database, f"UPDATE withdrawals SET hold_days = 9999 WHERE id = {made.id}"
    )
    async with database.sessions.begin() as session:
        (found,) = await invariants.run(session)
        assert (found.name, [row["ref"] for row in found.rows]) == (
            "withdrawal_within_due",
            [made.id],
        )
    await breakage.run_unguarded(
        database, f"UPDATE withdrawals SET hold_days = NULL WHERE id = {made.id}"
    )


async def test_the_payouts_of_a_large_wallet_are_found_by_an_index(
    server: embedded.Postgres, running: str
) -> None:
    """One wallet has 50,000 entries, of which every tenth is a payout, one each 3 minutes."""
    # The entries break the invariants, so the test writes them into a copy of the database.
    async with copied_database(server, running) as database:
        async with database.sessions.begin() as session:
            person = await people.person(session, balance=500, currency=STARS)
            wallet = (await wallets.of_user(session, person.user_id or 0)).id
        for table in ("ledger_entries", "ledger_transfers"):
            await database.as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await database.as_owner(
            "INSERT INTO ledger_transfers (key, reason, reference_id)"
            " SELECT 'filler-' || n, CASE n % 10 WHEN 0 THEN 'payout' ELSE 'deposit' END, n + 1000"
            " FROM generate_series(2, 50000) AS n"
        )
        await database.as_owner(
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id, created_at) SELECT id, $1::bigint, 1, 1, reference_id - 1000,"
            " reason, reference_id, clock() - (51000 - reference_id) * interval '3 minutes'"
            " FROM ledger_transfers WHERE key LIKE 'filler-%'",
            wallet,
        )
        await database.as_owner("ANALYZE ledger_entries")
        values = {"wallet_id": wallet, "hold": timedelta(days=21)}
        async with database.sessions.begin() as session:
            plan = (await session.execute(text(f"EXPLAIN {YOUNG.text}"), values)).all()
            found = (await session.execute(YOUNG, values)).all()
    lines = "\n".join(row[0] for row in plan)
    assert "ix_ledger_entries_payouts" in lines, lines
    assert "Index Cond: ((wallet_id = " in lines, lines
    assert "Seq Scan on ledger_entries" not in lines, lines
    assert sum(row.amount for row in found) == 21 * 24 * 60 // 30
    assert 21 * 24 <= len(found) <= 21 * 24 + 1
