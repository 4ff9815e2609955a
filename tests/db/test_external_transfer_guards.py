"""Test that the database refuses wrong deposits, clawbacks and corrections."""

import asyncpg
import pytest

from services.money import corrections, wallets, withdrawals
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.guarded import done, post, refused
from tests.factories import breakage, payments, people, presses

NOBODY = 999_999


async def _person(database: Database) -> tuple[Actor, int, int]:
    """Create a person with 100 minor units.

    Return the person, the wallet's id, and the external wallet's id.
    """
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    connection = await asyncpg.connect(database.owner_url)
    outside = await connection.fetchval(
        "SELECT id FROM wallets WHERE counterparty_id = $1 AND kind = 'external'", person.user_id
    )
    await connection.close()
    return person, wallet, outside


async def test_an_external_transfer_needs_its_row(
    database: Database, owner: asyncpg.Connection
) -> None:
    _, wallet, outside = await _person(database)
    _, other, _ = await _person(database)
    for reason, state, legs in (
        ("deposit", "AD021", ((outside, -5), (wallet, 5))),
        ("adjustment", "AD023", ((wallet, -5), (other, 5))),
        ("withdrawal_hold", "AD022", ((wallet, -5), (other, 5))),
    ):
        await refused(
            owner,
            state,
            post("x", reason, NOBODY, *((id_, amount, reason) for id_, amount in legs)),
        )


async def test_a_leg_has_the_reason_of_its_transfer(
    database: Database, owner: asyncpg.Connection
) -> None:
    await database.as_owner(breakage.UNSIGNED)
    _, a, _ = await _person(database)
    _, b, _ = await _person(database)
    admins = await people.admins(database.sessions)

    async def attempt() -> None:
        async with owner.transaction():
            made = await done(owner, admins, a, b, 5)
            await owner.execute(post("x", "adjustment", made, (a, -5, "adjustment"), (b, 5, "fee")))

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await attempt()
    assert refusal.value.sqlstate == "AD024"


async def test_a_correction_cannot_move_held_money(
    database: Database, owner: asyncpg.Connection
) -> None:
    await database.as_owner(breakage.UNSIGNED)
    async with database.sessions.begin() as session:
        await people.approved(session)
    _, mine, _ = await _person(database)
    escrow = await owner.fetchval("SELECT wallet_id FROM escrows")
    admins = await people.admins(database.sessions)

    async def attempt() -> None:
        async with owner.transaction():
            made = await done(owner, admins, escrow, mine, 5)
            leg = "adjustment"
            await owner.execute(post("x", leg, made, (escrow, -5, leg), (mine, 5, leg)))

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await attempt()
    assert refusal.value.sqlstate == "AD050"


async def test_the_status_of_a_deposit_matches_its_transfers(
    database: Database, owner: asyncpg.Connection
) -> None:
    person, _, _ = await _person(database)
    for change, state in (
        ("status = 'received'", "AD029"),
        ("status = 'clawed_back'", "AD021"),
        ("credited_at = NULL", "AD021"),
    ):
        await refused(owner, state, f"UPDATE deposits SET {change}")
    await owner.execute(
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " SELECT 'payment', 'x', telegram_id, 5, 'USD' FROM users WHERE id = $1",
        person.user_id,
    )
    waiting = (
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference{column})"
        f" VALUES ({person.user_id}, 5, 'USD', 'manual', 'x'{{value}})"
    )
    arrived = waiting.format(column="", value="")
    credited = "UPDATE deposits SET status = 'credited'{time} WHERE external_reference = 'x'"
    await refused(owner, "AD021", arrived, credited.format(time=""))
    await refused(owner, "AD020", arrived, credited.format(time=", credited_at = now()"))
    await refused(owner, "AD021", waiting.format(column=", credited_at", value=", now()"))


async def test_a_deposit_has_the_currency_of_its_wallet(
    database: Database, owner: asyncpg.Connection
) -> None:
    person, _, _ = await _person(database)
    await refused(
        owner,
        "AD021",
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        f" SELECT 'payment', 'x', telegram_id, 5, 'EUR' FROM users WHERE id = {person.user_id}",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        f" VALUES ({person.user_id}, 5, 'EUR', 'manual', 'x')",
    )


@pytest.mark.parametrize(
    "fact", ["user_id = {other}", "amount = 99", "currency = 'EUR'", "recovered = 0"]
)
async def test_a_clawback_matches_its_deposit(
    database: Database, owner: asyncpg.Connection, fact: str
) -> None:
    person, wallet, outside = await _person(database)
    other, _, _ = await _person(database)
    deposit = await owner.fetchval("SELECT id FROM deposits WHERE user_id = $1", person.user_id)
    leg = "clawback"
    column, value = fact.format(other=other.user_id).split(" = ")
    facts = {
        "deposit_id": str(deposit),
        "user_id": str(person.user_id),
        "amount": "100",
        "recovered": "100",
        "loss": "0",
        "currency": "'USD'",
    } | {column: value}
    if column == "amount":
        facts["recovered"] = value  # or a constraint would refuse it first
    taken = int(facts["recovered"]) or 100
    await owner.execute(
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " SELECT 'refund', external_reference, 1, $2, $3 FROM deposits WHERE id = $1",
        deposit,
        int(facts["amount"]),
        facts["currency"].strip("'"),
    )
    await refused(
        owner,
        "AD021",
        f"UPDATE deposits SET status = 'clawed_back' WHERE id = {deposit}",
        f"INSERT INTO clawbacks ({', '.join(facts)}) VALUES ({', '.join(facts.values())})",
        post(
            "x",
            leg,
            "(SELECT max(id) FROM clawbacks)",
            (wallet, -taken, leg),
            (outside, taken, leg),
        ),
    )


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("reason = 'other'", "AD028"),
        ("amount = 6", "AD028"),
        ("confirm_reason = 'other'", "AD027"),
        ("confirmed_by = (SELECT max(user_id) FROM user_roles)", "AD027"),
    ],
)
async def test_a_signed_correction_cannot_be_changed(
    database: Database, owner: asyncpg.Connection, change: str, state: str
) -> None:
    _, wallet, _ = await _person(database)
    await database.as_owner(breakage.UNSIGNED)
    async with database.sessions.begin() as session:
        proposer, confirmer, _ = [await people.staff(session) for _ in range(3)]
    await owner.execute(
        "INSERT INTO corrections (kind, wallet_id, entry_id, amount, proposed_by, reason)"
        " VALUES ('orphan_entry', $1, 1, 5, $2, 'x')",
        wallet,
        proposer.user_id,
    )
    await owner.execute(
        "UPDATE corrections SET status = 'confirmed', confirmed_by = $1, confirm_reason = 'x'",
        confirmer.user_id,
    )
    await refused(owner, state, f"UPDATE corrections SET {change}")
    await owner.execute("UPDATE corrections SET status = 'dropped'")
    await refused(owner, "AD029", "UPDATE corrections SET status = 'confirmed'")
    await refused(owner, "AD026", "UPDATE corrections SET other_wallet_id = wallet_id")


@pytest.mark.parametrize("name", ["deposit", "withdrawal", "correction"])
async def test_two_transfers_for_one_row_wait_for_each_other(
    database: Database, owner: asyncpg.Connection, name: str
) -> None:
    person, wallet, _ = await _person(database)
    async with database.sessions.begin() as session:
        await withdrawals.request(session, actor=person, amount=5, key="form")
        await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=await people.staff(session),
            wallet_id=wallet,
            reason="x",
        )
    row = await owner.fetchval(f"SELECT max(id) FROM {name}s")
    check = f"SELECT require_{name}_match({row})"
    other = await asyncpg.connect(database.owner_url)
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(check)
    await other.execute("SET lock_timeout = '300ms'")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await other.execute(check)
    await transaction.rollback()
    await other.execute(check)
    await other.close()


async def test_late_news_of_payments_is_still_booked(database: Database) -> None:
    """Check that a person can make a second deposit."""
    person, _, _ = await _person(database)
    async with database.sessions.begin() as session:
        again = await payments.deposit(
            session, user_id=person.user_id or 0, amount=5, key="later", source="telegram"
        )
    assert again.status == "credited"
