"""Test the platform's fee of a withdrawal."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind
from db.session import sqlstate
from services.money import excess_payments, invariants, withdrawals
from services.money.payout_terms import PayoutTerms
from services.platform import reports
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people, rows
from tests.services.market.test_testers import decide

LEGS = (
    "SELECT w.kind, e.amount, e.reason FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id"
    " WHERE e.reference_id = :id AND e.reason LIKE 'withdrawal%' ORDER BY e.id"
)
HOLD = [("user", -1_000, "withdrawal_hold"), ("withdrawal", 1_000, "withdrawal_hold")]


async def _ask(session: AsyncSession, person: Actor, fee_bps: int, amount: int = 1_000) -> Any:
    return await withdrawals.request(
        session,
        actor=person,
        amount=amount,
        key=f"form-{people.number()}",
        terms=PayoutTerms(fee_bps=fee_bps),
    )


async def _pay(session: AsyncSession, id_: int) -> Any:
    admin = await people.staff(session)
    await withdrawals.approve(session, actor=admin, withdrawal_id=id_)
    paid = await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=id_, external_reference=f"bank-{id_}"
    )
    await people.commit(session)
    return paid


@pytest.mark.parametrize(("fee_bps", "fee"), [(0, 0), (1, 0), (10, 1), (500, 50), (9_999, 999)])
async def test_one_transfer_pays_the_person_and_the_platform(
    session: AsyncSession, fee_bps: int, fee: int
) -> None:
    person = await people.person(session, balance=1_500)
    made = await _ask(session, person, fee_bps)
    assert (made.fee, made.payable) == (fee, 1_000 - fee)
    for _ in range(2):
        await _pay(session, made.id)
    legs = sorted(await rows.table(session, LEGS, id=made.id))
    paid = [("external", 1_000 - fee, "withdrawal"), ("withdrawal", -1_000, "withdrawal")]
    kept = [("revenue", fee, "withdrawal_fee")] if fee else []
    assert legs == sorted([*HOLD, *paid, *kept])
    assert await rows.available(session, person) == 500
    assert await invariants.run(session) == []


async def test_the_fee_stays_as_it_was_at_the_request(session: AsyncSession) -> None:
    person = await people.person(session, balance=1_500)
    made = await _ask(session, person, 500)
    again = await withdrawals.request(
        session, actor=person, amount=1_000, key=made.key, terms=PayoutTerms(fee_bps=900)
    )
    assert (again.id, again.fee) == (made.id, 50)


async def test_a_return_gives_the_whole_amount_back(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_500), await people.staff(session)
    made = await _ask(session, person, 500)
    await withdrawals.return_money(session, actor=admin, withdrawal_id=made.id, reason="a reason")
    await people.commit(session)
    assert await rows.available(session, person) == 1_500
    kinds = {(row[0], row[2]) for row in await rows.table(session, LEGS, id=made.id)}
    assert ("revenue", "withdrawal_fee") not in kinds
    assert await invariants.run(session) == []


@pytest.mark.parametrize("is_paid", [True, False])
async def test_a_payment_in_excess_is_what_was_paid(
    session: AsyncSession, *, is_paid: bool
) -> None:
    """An admin pays the amount without the fee, also a second time or after the return."""
    person, admin = await people.person(session, balance=1_500), await people.staff(session)
    made = await _ask(session, person, 500)
    if is_paid:
        await _pay(session, made.id)
    else:
        await withdrawals.return_money(session, actor=admin, withdrawal_id=made.id, reason="late")
    facts = {"withdrawal_id": made.id, "external_reference": "bank-again"}
    other = await people.staff(session)
    await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, other, admin)
    excess = await excess_payments.record(
        session, actor=admin, withdrawal_id=made.id, external_reference="bank-again"
    )
    await people.commit(session)
    assert excess.amount == 950
    assert (excess.recovered, excess.loss) == ((500, 450) if is_paid else (950, 0))
    assert await invariants.run(session) == []


async def _pay_by_hand(
    session: AsyncSession, person: Actor, legs: list[tuple[str, int, str]]
) -> None:
    """Mark the approved withdrawal of a person as paid, with a transfer of these legs."""
    wallet = "(SELECT id FROM wallets WHERE kind = '{}' AND {} IN (user_id, counterparty_id))"
    wallets = ", ".join(wallet.format(kind, person.user_id) for kind, _, _ in legs)
    amounts = ", ".join(str(amount) for _, amount, _ in legs)
    reasons = ", ".join(f"'{reason}'" for _, _, reason in legs)
    mine = f"user_id = {person.user_id} AND status = 'approved'"
    await rows.table(
        session,
        "SELECT post_transfer('withdrawal:' || id, 'withdrawal', id, ARRAY["
        f"{wallets}], ARRAY[{amounts}]::bigint[], ARRAY[{reasons}], NULL, NULL)"
        f" FROM withdrawals WHERE {mine}",
    )
    await rows.table(
        session,
        "UPDATE withdrawals SET status = 'paid', settled_at = clock(),"
        f" external_reference = 'by-hand' WHERE {mine} RETURNING id",
    )


OUT, LEFT = ("external", 950, "withdrawal"), ("withdrawal", -1_000, "withdrawal")
KEPT = ("revenue", 50, "withdrawal_fee")


@pytest.mark.parametrize(
    ("legs", "state"),
    [
        ([LEFT, ("external", 1_000, "withdrawal")], "AD020"),
        ([LEFT, ("external", 949, "withdrawal"), ("revenue", 51, "withdrawal_fee")], "AD020"),
        ([LEFT, OUT, ("user", 50, "withdrawal")], "AD020"),
        ([LEFT, OUT, ("user", 50, "withdrawal_fee")], "AD024"),
        ([LEFT, OUT, ("revenue", 50, "withdrawal")], "AD024"),
        ([LEFT, OUT, ("revenue", 50, "fee")], "AD024"),
        (
            [LEFT, ("external", 950, "withdrawal_fee"), ("revenue", 50, "withdrawal")],
            "AD024",
        ),
    ],
)
async def test_the_database_expects_exactly_these_legs(
    database: Database, legs: list[tuple[str, int, str]], state: str
) -> None:
    async with database.sessions.begin() as session:
        person, admin = await people.person(session, balance=1_500), await people.staff(session)
        first = await _ask(session, person, 500, amount=100)  # it opens the wallets
        await _pay(session, first.id)
        made = await _ask(session, person, 500)
        await withdrawals.approve(session, actor=admin, withdrawal_id=made.id)
    with pytest.raises(DBAPIError) as refused:
        async with database.sessions.begin() as session:
            await _pay_by_hand(session, person, legs)
    assert sqlstate(refused.value) == state
    async with database.sessions.begin() as session:
        await _pay_by_hand(session, person, [LEFT, OUT, KEPT])


@pytest.mark.parametrize("fee", [-1, 100, 101])
async def test_the_database_refuses_a_fee_that_leaves_nothing(database: Database, fee: int) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
    with pytest.raises(DBAPIError) as refused:
        async with database.sessions.begin() as session:
            await rows.table(
                session,
                "INSERT INTO withdrawals (user_id, amount, currency, fee)"
                f" VALUES ({person.user_id}, 100, 'USD', {fee}) RETURNING id",
            )
    assert sqlstate(refused.value) == "23514"


@pytest.mark.parametrize("change", ["fee = 1", "hold_days = 1"])
async def test_the_terms_of_a_withdrawal_never_change(database: Database, change: str) -> None:
    async with database.sessions.begin() as session:
        made = await _ask(session, await people.person(session, balance=1_000), 500)
    async with database.sessions.begin() as session:
        before = await rows.table(session, "SELECT fee, hold_days FROM withdrawals")
    with pytest.raises(Exception, match="never changes"):
        await database.as_owner(f"UPDATE withdrawals SET {change} WHERE id = {made.id}")
    async with database.sessions.begin() as session:
        assert await rows.table(session, "SELECT fee, hold_days FROM withdrawals") == before


async def test_the_fee_is_revenue_of_its_day_but_not_that_of_a_tester(
    session: AsyncSession,
) -> None:
    person, tester = [await people.person(session, balance=1_000) for _ in range(2)]
    for who in (person, tester):
        await _pay(session, (await _ask(session, who, 500)).id)
    await decide(session, RequestKind.MARK_TESTER, tester)
    (today, *before) = await reports.run(session, "revenue_by_day")
    assert (today["revenue"], today["fees"]) == (50, 1)
    assert {row["revenue"] for row in before} == {0}
