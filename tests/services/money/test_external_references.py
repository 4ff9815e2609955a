"""Test that an external reference belongs to one payment for a withdrawal, whoever writes it.

An external reference is the id of a payment outside the platform, for example the bank's id.
"""

import asyncio

import asyncpg
import pytest

from db.models.users import RequestKind
from services.money import excess_payments, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people

PAY = (
    "UPDATE withdrawals SET status = 'paid', external_reference = $2, settled_at = now()"
    " WHERE id = $1"
)
PAY_AGAIN = (
    "INSERT INTO excess_payments (withdrawal_id, user_id, amount, recovered, loss, currency,"
    " external_reference, recorded_by)"
    " SELECT id, user_id, amount, amount, 0, currency, $2, decided_by FROM withdrawals"
    " WHERE id = $1"
)
USE = "INSERT INTO external_references (external_reference) VALUES ('bank-1')"


@pytest.fixture
async def admin(database: Database) -> Actor:
    """Return an admin as an actor."""
    async with database.sessions.begin() as session:
        return await people.staff(session)


@pytest.fixture
async def approved(database: Database, admin: Actor) -> list[int]:
    """Create two approved withdrawals of one person, and return their ids."""
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=1_000)
        made = [
            await withdrawals.request(session, actor=person, amount=400, key=f"form-{number}")
            for number in range(2)
        ]
        for row in made:
            await withdrawals.approve(session, actor=admin, withdrawal_id=row.id)
        return [row.id for row in made]


async def _pay(database: Database, admin: Actor, id_: int, reference: str = "bank-1") -> None:
    """Record the payment of an approved withdrawal, in a transaction of its own."""
    async with database.sessions.begin() as session:
        await withdrawals.mark_paid(
            session, actor=admin, withdrawal_id=id_, external_reference=reference
        )


async def _pay_again(database: Database, admin: Actor, id_: int, reference: str) -> None:
    """Record a payment in excess that two admins have decided, in a transaction of its own."""
    async with database.sessions.begin() as session:
        facts = {"withdrawal_id": id_, "external_reference": reference}
        admins = [await people.staff(session) for _ in range(2)]
        await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, *admins)
        await excess_payments.record(
            session, actor=admin, withdrawal_id=id_, external_reference=reference
        )


@pytest.mark.parametrize("reference", ["bank-1", " bank-1", "bank-1\n"])
@pytest.mark.parametrize("statement", [PAY, PAY_AGAIN], ids=["withdrawal", "in excess"])
async def test_the_owner_of_the_tables_cannot_use_a_reference_twice(
    database: Database, admin: Actor, approved: list[int], statement: str, reference: str
) -> None:
    await _pay(database, admin, approved[0])
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(statement, approved[1], reference)
    assert refusal.value.sqlstate == "AD054"


async def test_the_reference_of_a_payment_in_excess_is_used(
    database: Database, admin: Actor, approved: list[int]
) -> None:
    await _pay(database, admin, approved[0])
    await _pay_again(database, admin, approved[0], "bank-2")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(PAY, approved[1], "bank-2")
    assert refusal.value.sqlstate == "AD054"
    await _pay(database, admin, approved[1], "bank-3")


async def test_the_reference_of_a_paid_withdrawal_never_changes(
    database: Database, admin: Actor, approved: list[int]
) -> None:
    await _pay(database, admin, approved[0])
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(
            "UPDATE withdrawals SET external_reference = 'bank-2' WHERE id = $1", approved[0]
        )
    assert refusal.value.sqlstate == "AD031"


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("in_excess", [False, True], ids=["withdrawal", "in excess"])
async def test_a_payment_waits_for_another_transaction_with_its_reference(
    database: Database, admin: Actor, approved: list[int], *, in_excess: bool, end: str
) -> None:
    """Check a writer that takes no lock of the service, and ends after the payment has begun."""
    await _pay(database, admin, approved[0], "bank-0")
    writer = await asyncpg.connect(database.owner_url)
    try:
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute(USE)
        paying = asyncio.create_task(
            _pay_again(database, admin, approved[0], "bank-1")
            if in_excess
            else _pay(database, admin, approved[1])
        )
        await asyncio.sleep(0.5)
        assert not paying.done()
        if end == "commit":
            await transaction.commit()
            with pytest.raises(errors.IdempotencyConflict):
                await paying
        else:
            await transaction.rollback()
            await paying
    finally:
        await writer.close()
