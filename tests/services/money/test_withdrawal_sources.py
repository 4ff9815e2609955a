"""Test which credits of a wallet pay for a withdrawal."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Reason
from sandbox import embedded
from services.money import escrow, wallets, withdrawal_sources, withdrawals
from services.platform.actors import Actor
from tests.conftest import copied_database
from tests.factories import payments, people, rows


async def _pay_in(session: AsyncSession, person: Actor, *amounts: int) -> list[int]:
    """Record one deposit for each amount, and return the ids of the deposits."""
    made = [
        await payments.deposit(
            session,
            user_id=person.user_id or 0,
            amount=amount,
            key=f"charge-{people.number()}",
            source="telegram",
        )
        for amount in amounts
    ]
    return [row.id for row in made]


async def _withdraw(session: AsyncSession, person: Actor, amount: int) -> int:
    asked = await withdrawals.request(
        session, actor=person, amount=amount, key=f"form-{people.number()}"
    )
    await people.commit(session)
    return asked.id


async def _sources(session: AsyncSession, withdrawal_id: int) -> list[tuple[Any, ...]]:
    found = await withdrawal_sources.get(session, withdrawal_id)
    return [(row.reason, row.reference_id, row.amount) for row in found.newest]


async def test_the_oldest_money_is_paid_out_first(session: AsyncSession) -> None:
    person = await people.person(session)
    first, second, third = await _pay_in(session, person, 100, 50, 30)
    one = await _withdraw(session, person, 120)
    two = await _withdraw(session, person, 40)
    deposit = Reason.DEPOSIT
    assert await _sources(session, one) == [(deposit, second, 20), (deposit, first, 100)]
    assert await _sources(session, two) == [(deposit, third, 10), (deposit, second, 30)]
    await _pay_in(session, person, 70)
    assert await _sources(session, two) == [(deposit, third, 10), (deposit, second, 30)]


async def test_a_payout_names_its_placement_and_its_advertiser(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=made.target.id)
    asked = await _withdraw(session, made.owner, 1_000)
    [source] = (await withdrawal_sources.get(session, asked)).newest
    assert (source.reason, source.reference_id, source.amount) == (
        Reason.PAYOUT,
        made.target.id,
        1_000,
    )
    advertiser = await rows.one(
        session, "SELECT telegram_id FROM users WHERE id = :id", id=made.advertiser.user_id
    )
    assert source.advertiser_telegram_id == advertiser


async def test_refunds_returns_and_corrections_are_named(session: AsyncSession) -> None:
    lost = await people.failed(session)
    balance = await rows.available(session, lost.advertiser)
    emptied = await _withdraw(session, lost.advertiser, balance)
    await escrow.refund(session, target_id=lost.target.id)
    admin = await people.staff(session)
    await withdrawals.return_money(session, actor=admin, withdrawal_id=emptied, reason="no")
    other = await people.person(session, balance=5)
    mine = await wallets.of_user(session, lost.advertiser.user_id or 0)
    theirs = await wallets.of_user(session, other.user_id or 0)
    await people.adjusted(session, theirs.id, mine.id, 5)
    asked = await _withdraw(session, lost.advertiser, balance + people.PRICE + 5)
    correction = await rows.one(session, "SELECT max(id) FROM corrections")
    assert await _sources(session, asked) == [
        (Reason.ADJUSTMENT, correction, 5),
        (Reason.WITHDRAWAL_RETURN, emptied, balance),
        (Reason.REFUND, lost.target.id, people.PRICE),
    ]


@pytest.mark.parametrize("before", [True, False])
async def test_a_deposit_that_was_taken_back_before_pays_nothing(
    session: AsyncSession, *, before: bool
) -> None:
    person, admin = await people.person(session), await people.staff(session)
    [kept] = await _pay_in(session, person, 100)
    reversal: dict[str, Any] = {
        "external_reference": f"charge-{people.number()}",
        "user_id": person.user_id,
        "amount": 60,
        "source": "telegram",
    }
    paid = await payments.deposit(
        session,
        user_id=person.user_id or 0,
        amount=60,
        key=reversal["external_reference"],
        source="telegram",
    )
    if before:
        await payments.reverse(session, **reversal)
        await session.execute(text("UPDATE users SET blocked = false"))
        asked = await _withdraw(session, person, 100)
        assert await _sources(session, asked) == [(Reason.DEPOSIT, kept, 100)]
        return
    asked = await _withdraw(session, person, 160)
    await withdrawals.approve(session, actor=admin, withdrawal_id=asked)
    await payments.reverse(session, **reversal)
    await people.commit(session)
    newest = (await withdrawal_sources.get(session, asked)).newest
    assert [(row.reference_id, row.amount, row.taken_back) for row in newest] == [
        (paid.id, 60, True),
        (kept, 100, False),
    ]


async def test_only_the_newest_sources_are_described(session: AsyncSession) -> None:
    person = await people.person(session)
    ids = await _pay_in(session, person, *range(1, 9))
    asked = await _withdraw(session, person, sum(range(1, 9)))
    found = await withdrawal_sources.get(session, asked)
    assert [row.reference_id for row in found.newest] == ids[:2:-1]
    assert found.others == 3


async def test_more_credits_than_a_page_are_read(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawal_sources, "PAGE", 2)
    person = await people.person(session)
    ids = await _pay_in(session, person, *range(1, 9))
    asked = await _withdraw(session, person, 3)
    assert await _sources(session, asked) == [
        (Reason.DEPOSIT, ids[1], 2),
        (Reason.DEPOSIT, ids[0], 1),
    ]


async def test_a_large_wallet_is_read_by_its_index(server: embedded.Postgres, running: str) -> None:
    # The entries break the invariants, so the test writes them into a copy of the database.
    async with copied_database(server, running) as database:
        async with database.sessions.begin() as session:
            person = await people.person(session, balance=500)
            asked = await _withdraw(session, person, 300)
            wallet = (await wallets.of_user(session, person.user_id or 0)).id
        for table in ("ledger_entries", "ledger_transfers"):
            await database.as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await database.as_owner("UPDATE ledger_entries SET version = 50001 WHERE version = 2")
        await database.as_owner(
            "INSERT INTO ledger_transfers (key, reason, reference_id)"
            " SELECT 'filler-' || n, 'deposit', n + 1000 FROM generate_series(2, 50000) AS n"
        )
        await database.as_owner(
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id) SELECT id, $1::bigint, 1, 1, reference_id - 1000, reason,"
            " reference_id FROM ledger_transfers WHERE key LIKE 'filler-%'",
            wallet,
        )
        await database.as_owner("ANALYZE ledger_entries")
        async with database.sessions.begin() as session:
            statement = withdrawal_sources._credits(wallet, 50_001, 50_001).compile(
                dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
            )
            plan = await rows.table(session, f"EXPLAIN {statement}")
            found = await withdrawal_sources.get(session, asked)
    lines = "\n".join(str(row[0]) for row in plan)
    assert "uq_ledger_entries_wallet_id" in lines, lines
    assert "Seq Scan on ledger_entries" not in lines, lines
    assert "Sort" not in lines, lines
    assert (len(found.newest), found.others) == (withdrawal_sources.SHOWN, 295)
