"""Test that a repair of the ledger locks and checks the rows that the repair changes."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from db.models.corrections import Correction
from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded
from services.money import incidents, wallets
from services.platform import errors, killswitches
from services.platform.actors import Actor
from tests.conftest import Database, copied_database
from tests.factories import breakage, people, rows

Books = tuple[Database, Actor, int]
CHANGES = {
    "another amount": ["UPDATE ledger_entries SET amount = 60 WHERE id = {entry}"],
    "taken up since": [
        "UPDATE wallets SET balance = balance + 50, version = version + 1 WHERE id = {wallet}"
    ],
    "an entry before it was lost": [
        "DELETE FROM ledger_entries WHERE wallet_id = {wallet} AND version = 1"
    ],
    "no longer alone": [
        (
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id) SELECT e.transfer_id, w.id, -50, w.balance - 50, w.version + 1,"
            " e.reason, e.reference_id FROM ledger_entries e, wallets w WHERE e.id = {entry}"
            " AND w.id = (SELECT max(id) FROM wallets WHERE kind = 'user' AND id <> {wallet})"
        )
    ],
    "all that could balance it is in it": [
        "SELECT open_wallet('loss', NULL, {person}, 'USD')",
        (
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id) SELECT e.transfer_id, w.id, leg.amount, w.balance + leg.amount,"
            " w.version + 1, e.reason, e.reference_id FROM ledger_entries e, wallets w"
            " JOIN (VALUES ('loss', 10), ('external', -10)) AS leg (kind, amount) USING (kind)"
            " WHERE e.id = {entry} AND w.counterparty_id = {person}"
        ),
    ],
}


@pytest.fixture
async def books(server: embedded.Postgres, business: str) -> AsyncIterator[Books]:
    """Yield a database that a test may break, a person, and the person's wallet id."""
    async with copied_database(server, business) as world:
        async with world.sessions.begin() as session:
            person = await people.person(session, balance=100)
            wallet = (await wallets.of_user(session, person.user_id or 0)).id
        yield world, person, wallet


async def _signed(books: Books, propose: str, what: int) -> Correction:
    world = books[0]
    async with world.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
    return await breakage.confirmed_correction(world, proposer, confirmer, propose, what)


async def _orphan(books: Books, number: int = 0) -> int:
    """Insert an entry without changing the balance, and return the id of the entry."""
    world, _, wallet = books
    await breakage.run_unguarded(world, breakage.orphan(wallet, 50, key=f"by hand {number}"))
    async with world.sessions.begin() as session:
        entry: int = await rows.one(session, "SELECT max(id) FROM ledger_entries")
    return entry


@pytest.mark.parametrize("change", CHANGES)
async def test_an_orphan_that_changed_after_its_confirmation_is_not_balanced(
    books: Books, change: str
) -> None:
    world, person, wallet = books
    entry = await _orphan(books)
    signed = await _signed(books, "orphan", entry)
    facts = {"entry": entry, "wallet": wallet, "person": person.user_id}
    await breakage.run_unguarded(world, *(sql.format(**facts) for sql in CHANGES[change]))
    with pytest.raises(errors.NotCorrectable) as refusal:
        await breakage.execute_correction(world, signed)
    assert isinstance(refusal.value.__cause__, DBAPIError)
    assert getattr(refusal.value.__cause__.orig, "sqlstate", None) == "AD015"


async def test_two_orphans_at_once_are_balanced_one_after_the_other(books: Books) -> None:
    world, person, _ = books
    first, second = [await _signed(books, "orphan", await _orphan(books, n)) for n in range(2)]
    await world.as_owner("SELECT open_wallet('loss', NULL, $1, 'USD')", person.user_id)
    await world.as_owner(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_setting('test.slow', true) = 'on' THEN PERFORM pg_sleep(1); END IF;"
        " RETURN NULL; END $$;"
        " CREATE TRIGGER slow BEFORE INSERT ON ledger_entries EXECUTE FUNCTION slow()"
    )
    # Both repairs change the same wallets.
    slow = asyncio.create_task(_repair(world, first.id, slow=True))
    await asyncio.sleep(0.3)
    await _repair(world, second.id)
    assert slow.done()
    await slow


async def test_two_repairs_of_one_correction_repair_it_once(books: Books) -> None:
    world, _, wallet = books
    await breakage.run_unguarded(
        world, f"UPDATE wallets SET balance = balance + 7 WHERE id = {wallet}"
    )
    signed = await _signed(books, "reset", wallet)
    first, second = [await asyncpg.connect(world.owner_url) for _ in range(2)]
    transaction = first.transaction()
    await transaction.start()
    await first.execute(f"SELECT repair({signed.id})")
    waiting = asyncio.create_task(second.execute(f"SELECT repair({signed.id})"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await transaction.commit()
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await waiting
    assert refusal.value.sqlstate == "AD013"
    for connection in (first, second):
        await connection.close()


async def test_a_held_escrow_cannot_be_reopened(books: Books) -> None:
    world = books[0]
    async with world.sessions.begin() as session:
        deal = await people.approved(session)
    owner = await asyncpg.connect(world.owner_url)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await owner.execute(f"SELECT reopen_escrow({deal.target.id})")
    assert refusal.value.sqlstate == "AD016"
    await owner.close()


async def test_a_repair_locks_the_placement_first(books: Books) -> None:
    world = books[0]
    async with world.sessions.begin() as session:
        deal = await people.approved(session)
        other = await people.approved(session)
    await breakage.run_unguarded(
        world,
        "UPDATE escrows SET status = 'refunded', settled_at = now()"
        f" WHERE campaign_target_id = {deal.target.id}",
        f"UPDATE campaign_targets SET status = 'refunded' WHERE id = {deal.target.id}",
    )
    signed = await _signed(books, "reversal", deal.target.id)
    holder = await asyncpg.connect(world.owner_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute(f"SELECT FROM campaign_targets WHERE id = {deal.target.id} FOR UPDATE")
    repairing = asyncio.create_task(_repair(world, signed.id))
    await asyncio.sleep(0.3)
    assert not repairing.done()
    await holder.execute("SET LOCAL lock_timeout = '500ms'")
    await holder.execute(
        f"UPDATE escrows SET release_due_at = now() WHERE campaign_target_id = {other.target.id}"
    )
    await transaction.commit()
    await repairing
    await holder.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET blocked = true WHERE id = {person}",
        "DELETE FROM user_roles WHERE user_id = {person}",
        "UPDATE corrections SET confirmed_at = clock() + interval '1 s' WHERE id = {correction}",
        "UPDATE staff_requests SET arguments = '{{\"correction\": 0}}' WHERE kind = 'repair'",
        "UPDATE staff_requests SET kind = 'correction' WHERE kind = 'repair'",
    ],
    ids=["blocked", "no role", "signed before the confirmation", "another one", "another kind"],
)
async def test_a_signature_that_does_not_count_applies_nothing(books: Books, change: str) -> None:
    world, _, wallet = books
    async with world.sessions.begin() as session:
        proposer, confirmer, applier = [await people.staff(session) for _ in range(3)]
    signed = await breakage.confirmed_correction(
        world, proposer, confirmer, "reset", wallet, applier=applier
    )
    await breakage.run_unguarded(
        world,
        "ALTER TABLE staff_requests DISABLE TRIGGER USER",
        "ALTER TABLE user_roles DISABLE TRIGGER USER",
        change.format(person=applier.user_id, correction=signed.id),
    )
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await _repair(world, signed.id)
    assert refusal.value.sqlstate == "AD067"


async def test_who_applies_a_repair_lets_no_switch_run(books: Books) -> None:
    world, _, wallet = books
    async with world.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
        applier = await people.staff(session, Role.SUPER_ADMIN)
        closer, runner = [await people.staff(session, Role.OPERATOR) for _ in range(2)]
    await breakage.run_unguarded(
        world, f"UPDATE wallets SET balance = balance + 7 WHERE id = {wallet}"
    )
    async with world.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session)
    signed = await breakage.confirmed_correction(
        world, proposer, confirmer, "reset", wallet, applier=applier
    )
    await _repair(world, signed.id)
    async with world.sessions.begin() as session:
        (incident,) = await incidents.open_incidents(session)
        await breakage.close_incident(session, closer, incident.id)
    with pytest.raises(errors.SamePerson):
        await _run_payouts(world, applier)
    await _run_payouts(world, runner)


async def _run_payouts(world: Database, who: Actor) -> None:
    async with world.sessions.begin() as session:
        await killswitches.run(session, actor=who, key=Switch.PAYOUTS, reason="repaired")


async def _repair(world: Database, correction_id: int, *, slow: bool = False) -> None:
    owner = await asyncpg.connect(world.owner_url)
    await owner.execute(f"SET test.slow = '{'on' if slow else 'off'}'")
    await owner.execute(f"SELECT repair({correction_id})")
    await owner.close()
