"""Test how the platform books a payment that its payer took back."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from services.market import moderation, user_blocks
from services.money import deposits, received_payments, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people, rows

WALLETS = (
    "SELECT kind, balance FROM wallets WHERE :id IN (user_id, counterparty_id)"
    " AND balance <> 0 ORDER BY kind"
)
ALERT = (
    "SELECT user_id, (payload->>'recovered')::int, (payload->>'loss')::int FROM outbox"
    " WHERE kind = 'deposit_clawed_back'"
)


async def _paid(session: AsyncSession, who: Actor, amount: int = 1_000, key: str = "charge") -> Any:
    return await payments.deposit(
        session, user_id=who.user_id or 0, amount=amount, key=key, source="telegram"
    )


async def _taken_back(
    session: AsyncSession, who: Actor, amount: int = 1_000, key: str = "charge"
) -> Any:
    made = await payments.reverse(
        session,
        external_reference=key,
        user_id=who.user_id or 0,
        amount=amount,
        source="telegram",
    )
    await people.commit(session)
    return made


async def _blocked(session: AsyncSession, who: Actor) -> bool:
    return bool(await rows.one(session, "SELECT blocked FROM users WHERE id = :id", id=who.user_id))


async def test_money_that_is_still_in_the_wallet_is_taken_back(session: AsyncSession) -> None:
    person = await people.person(session, balance=300)
    deposit = await _paid(session, person)
    made = await _taken_back(session, person)
    assert (made.recovered, made.loss) == (1_000, 0)
    assert await rows.table(session, WALLETS, id=person.user_id) == [
        ("external", -300),
        ("user", 300),
    ]
    assert (
        await rows.one(session, "SELECT status FROM deposits WHERE id = :id", id=deposit.id)
        == "clawed_back"
    )
    assert await _blocked(session, person)
    assert await rows.table(session, ALERT) == [(None, 1_000, 0)]
    assert await rows.table(
        session,
        "SELECT action, user_id, role, (metadata->>'loss')::int FROM user_audit_logs"
        " WHERE action IN ('user_blocked', 'deposit_clawed_back') ORDER BY id",
    ) == [("user_blocked", None, "system", None), ("deposit_clawed_back", None, "system", 0)]


@pytest.mark.parametrize(("spent", "loss"), [(5_000, 4_000), (6_000, 5_000)])
async def test_money_that_was_spent_is_the_loss_of_the_platform(
    session: AsyncSession, spent: int, loss: int
) -> None:
    deal = await people.deal(session, balance=1_000, price=spent)
    await _paid(session, deal.advertiser, amount=5_000)
    await people.approve(session, deal)
    made = await _taken_back(session, deal.advertiser, amount=5_000)
    assert (made.recovered, made.loss) == (5_000 - loss, loss)
    assert await rows.table(session, WALLETS, id=deal.advertiser.user_id) == [
        ("external", -spent),
        ("loss", -loss),
    ]
    assert await rows.table(session, ALERT) == [(None, 5_000 - loss, loss)]


async def test_a_repeated_reversal_is_booked_once(session: AsyncSession) -> None:
    person = await people.person(session)
    await _paid(session, person)
    first = await _taken_back(session, person)
    before = await rows.snapshot(session)
    assert (await _taken_back(session, person)).id == first.id
    assert (await _paid(session, person)).status == "clawed_back"
    assert await rows.snapshot(session) == before


async def test_a_reversed_deposit_is_never_credited(session: AsyncSession) -> None:
    person = await people.person(session, balance=50)
    await people.stop(session, Switch.DEPOSITS)
    assert (await _paid(session, person)).status == "received"
    made = await _taken_back(session, person)
    assert (made.recovered, made.loss) == (0, 0)
    await people.run_switches(session)
    assert await deposits.credit_due(session) == 0
    assert (await _paid(session, person)).status == "clawed_back"
    assert await rows.available(session, person) == 50
    assert await _blocked(session, person)


async def test_a_person_is_blocked_once(session: AsyncSession) -> None:
    person = await people.person(session)
    for key in ("one", "two"):
        await _paid(session, person, key=key)
        await _taken_back(session, person, key=key)
    assert await rows.table(
        session, "SELECT count(*) FROM user_audit_logs WHERE action = 'user_blocked'"
    ) == [(1,)]


async def test_the_payer_is_the_person_of_the_deposit(session: AsyncSession) -> None:
    person, other = await people.person(session), await people.person(session, balance=5_000)
    await _paid(session, person)
    made = await _taken_back(session, other)
    assert (made.user_id, made.recovered) == (person.user_id, 1_000)
    assert (await _blocked(session, person), await _blocked(session, other)) == (True, False)


async def test_an_open_loss_stops_withdrawals_also_after_an_unblock(database: Database) -> None:
    async with database.sessions.begin() as session:
        person, admin = await people.person(session), await people.staff(session)
        deposit = await _paid(session, person, 1_000)
        withdrawal = await withdrawals.request(session, actor=person, amount=400, key="first")
        await withdrawals.approve(session, actor=admin, withdrawal_id=withdrawal.id)
        await _taken_back(session, person)
    async with database.sessions.begin() as session:
        await user_blocks.unblock(
            session, actor=admin, user_id=person.user_id or 0, reason="a mistake"
        )
        await _paid(session, person, 700, "second")
    refusal = await rows.refused(
        database.sessions,
        lambda session: withdrawals.request(session, actor=person, amount=100, key="next"),
        actor=person,
        action="withdrawal_request",
    )
    assert isinstance(refusal, errors.OpenLoss)
    assert (refusal.needed, deposit.user_id) == (400, person.user_id)


async def test_a_reversal_in_another_currency_is_refused(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
        await _paid(session, person)
    refusal = await rows.refused(
        database.sessions,
        lambda session: payments.reverse(
            session,
            external_reference="charge",
            user_id=None,
            amount=1_000,
            source="stars",
            currency="XTR",
        ),
        actor=person,
        action="clawback",
    )
    assert isinstance(refusal, errors.PaymentMismatch)


async def test_a_reversal_of_an_unknown_payment_records_its_deposit(
    session: AsyncSession,
) -> None:
    person = await people.person(session)
    made = await _taken_back(session, person)
    assert (made.amount, made.recovered, made.loss) == (1_000, 0, 0)
    assert (await _paid(session, person)).status == "clawed_back"
    assert await rows.available(session, person) == 0


async def test_a_withdrawal_that_is_not_approved_is_taken_back_too(session: AsyncSession) -> None:
    person = await people.person(session)
    admin = await people.staff(session)
    await _paid(session, person)
    waiting = await withdrawals.request(session, actor=person, amount=500, key="waits")
    leaving = await withdrawals.request(session, actor=person, amount=300, key="leaves")
    await withdrawals.approve(session, actor=admin, withdrawal_id=leaving.id)
    made = await _taken_back(session, person)
    assert (made.recovered, made.loss) == (700, 300)
    waiting = await withdrawals.get(session, waiting.id)
    assert (waiting.status, waiting.return_reason) == ("returned", "clawed_back")
    paid = await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=leaving.id, external_reference="bank"
    )
    assert paid.status == "paid"


async def test_a_reversal_is_booked_while_all_switches_are_stopped(session: AsyncSession) -> None:
    person = await people.person(session)
    await _paid(session, person)
    for key in Switch:
        await people.stop(session, key)
    assert (await _taken_back(session, person)).recovered == 1_000


@pytest.mark.parametrize(
    ("key", "amount", "expected"),
    [
        ("charge", 999, errors.PaymentMismatch),
        ("charge", 0, errors.PaymentMismatch),
        ("unknown", 0, errors.InvalidAmount),
        ("unknown", 1_000, errors.NotFound),
    ],
)
async def test_a_reversal_with_another_amount_or_of_nobody_is_refused(
    database: Database, key: str, amount: int, expected: type[Exception]
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
        await _paid(session, person)
    refusal = await rows.refused(
        database.sessions,
        lambda session: _taken_back(session, Actor(999_999), amount, key),
        actor=person,
        action="clawback",
    )
    assert isinstance(refusal, expected)


async def test_a_refund_of_an_unknown_charge_without_a_person_names_the_charge(
    session: AsyncSession,
) -> None:
    with pytest.raises(errors.NotFound) as refused:
        await payments.reverse(
            session, external_reference="nobody's", user_id=None, amount=5, source="telegram"
        )
    assert (refused.value.thing, refused.value.id) == ("deposit", "nobody's")


async def test_a_clawback_during_purchases_keeps_the_invariants(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=4_000, price=1_000)
        charge = await rows.one(session, "SELECT external_reference FROM deposits")
        targets = [deal.target.id] + [
            (await people.another(session, deal, decide=False)).id for _ in range(3)
        ]

    async def attempt(act: Any) -> Any:
        try:
            async with database.sessions.begin() as session:
                return await act(session)
        except errors.DomainError as error:
            return error

    def buy(target: int) -> Any:
        return lambda session: moderation.approve(session, actor=deal.moderator, target_id=target)

    def take(session: AsyncSession) -> Any:
        return _taken_back(session, deal.advertiser, 4_000, charge)

    results = await asyncio.gather(
        *(attempt(buy(target)) for target in targets[:2]),
        *(attempt(take) for _ in range(5)),
        *(attempt(buy(target)) for target in targets[2:]),
    )
    bought = sum(isinstance(result, moderation.Decision) for result in results)
    taken = [
        result for result in results if not isinstance(result, moderation.Decision | Exception)
    ]
    assert len({made.id for made in taken}) == 1
    assert len(taken) == 5
    async with database.sessions.begin() as session:
        left = await rows.available(session, deal.advertiser)
        loss = await rows.one(
            session, "SELECT coalesce(sum(-balance), 0) FROM wallets WHERE kind = 'loss'"
        )
    assert left - loss == -1_000 * bought
    assert taken[0].loss == loss


async def test_the_database_refuses_a_clawback_that_is_not_booked(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session)
        deposit = await _paid(session, person)
        await received_payments.note(
            session,
            charge_id=deposit.external_reference,
            telegram_id=1,
            amount=1_000,
            currency="USD",
            refunded=True,
        )
    insert = (
        "INSERT INTO clawbacks (deposit_id, user_id, amount, recovered, loss, currency)"
        f" VALUES ({deposit.id}, {person.user_id}, 1000, {{}}, 0, 'USD') RETURNING id"
    )
    for sql, message in (
        (insert.format(0), "a deposit and its clawback do not match"),
        (insert.format(1_000), "a deposit and its clawback do not match"),
        (
            "UPDATE deposits SET status = 'clawed_back' RETURNING id",
            "a deposit and its clawback do not match",
        ),
        (
            "UPDATE deposits SET status = 'received', credited_at = NULL RETURNING id",
            "no row of deposits moves from credited to received",
        ),
        (
            "UPDATE deposits SET credited_at = NULL RETURNING id",
            "a deposit and its clawback do not match",
        ),
    ):
        with pytest.raises(DBAPIError, match=message):
            async with database.sessions.begin() as session:
                await rows.table(session, sql)
