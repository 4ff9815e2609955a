"""Seals: a rewrite of history shows, even by the database's owner who writes the seals anew."""
# ruff: noqa: S608 - statements of a test, with ids of its own

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from sandbox import embedded
from scheduler import audit_chain_tick as tick
from services.money import audit_chain, audit_chain_file, deposits
from services.money.audit_chain import ChainLink
from tests.conftest import Database
from tests.embedded_fixture import drop_database
from tests.factories import business, people, rows, tampering
from tests.shell import shell_of

FIRST = "(SELECT min(id) FROM ledger_entries WHERE reason = 'payout')"
WALLET = f"(SELECT wallet_id FROM ledger_entries WHERE id = {FIRST})"
TRANSFER = f"(SELECT transfer_id FROM ledger_entries WHERE id = {FIRST})"
OTHER = (
    f"(SELECT id FROM ledger_entries WHERE transfer_id = {TRANSFER} AND reason = 'escrow_release')"
)
OTHER_WALLET = f"(SELECT wallet_id FROM ledger_entries WHERE id = {OTHER})"
REWRITES: dict[str, tuple[str, ...]] = {
    "an amount, with every balance that follows from it": (
        (
            f"UPDATE ledger_entries SET amount = amount - 1, balance_after = balance_after - 1"
            f" WHERE id = {FIRST}"
        ),
        (
            f"UPDATE ledger_entries SET amount = amount + 1, balance_after = balance_after + 1"
            f" WHERE id = {OTHER}"
        ),
        f"UPDATE wallets SET balance = balance - 1 WHERE id = {WALLET}",
        f"UPDATE wallets SET balance = balance + 1 WHERE id = {OTHER_WALLET}",
    ),
    "whose wallet it is": (
        (
            "UPDATE wallets SET user_id = (SELECT max(id) FROM users)"
            f" WHERE id = {WALLET} AND EXISTS (SELECT 1)"
        ),
    ),
    "what kind of wallet it is": (f"UPDATE wallets SET kind = 'withdrawal' WHERE id = {WALLET}",),
    "the key of a transfer": (
        f"UPDATE ledger_transfers SET key = key || 'x' WHERE id = {TRANSFER}",
    ),
    "who caused a transfer": (f"UPDATE ledger_transfers SET actor_id = 1 WHERE id = {TRANSFER}",),
    "when it was": (
        (
            "UPDATE ledger_entries SET created_at = created_at - interval '1 microsecond'"
            f" WHERE id = {FIRST}"
        ),
    ),
    "an entry less": (f"DELETE FROM ledger_entries WHERE id = {FIRST}",),
    "an entry more, dated back": (
        (
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id, txn)"
            f" SELECT {TRANSFER}, (SELECT max(id) FROM wallets WHERE kind = 'user'), 1, 1, 99,"
            " 'adjustment', 1, 3"
        ),
    ),
    "an entry in another range": (
        f"UPDATE ledger_entries SET txn = txn + 1000000000 WHERE id = {FIRST}",
    ),
}


@pytest.fixture(scope="module")
async def sealed(server: embedded.Postgres, running: str) -> AsyncIterator[str]:
    """Name of a template with three sealed ranges: business is in the second."""
    name = "test_sealed"
    await drop_database(server, name)
    async with tampering.world_of_its_own(server, running, name=name) as database:
        async with database.sessions.begin() as session:
            await people.person(session, balance=700)
        assert await _seal(database) is not None
        async with database.sessions.begin() as session:
            await business.some_business(session)
        assert await _seal(database) is not None
        async with database.sessions.begin() as session:
            await people.person(session, balance=900)
        assert await _seal(database) is not None
        await database.sessions.kw["bind"].dispose()  # nobody may be in what is copied
        yield name


@pytest.fixture
async def world(server: embedded.Postgres, sealed: str) -> AsyncIterator[Database]:
    """A copy of it that may be left broken."""
    async with tampering.world_of_its_own(server, sealed) as database:
        yield database


async def _seal(database: Database, limit: int = audit_chain.ENTRIES_AT_ONCE) -> ChainLink | None:
    async with database.sessions.begin() as session:
        return await audit_chain.extend(session, limit=limit)


async def _kept(database: Database) -> list[ChainLink]:
    async with database.sessions.begin() as session:
        return await audit_chain.links_after(session, 0, limit=1_000)


async def _broken(database: Database, expected: list[ChainLink]) -> list[int]:
    """The numbers of the ranges that differ."""
    before, found = None, []
    async with database.sessions.begin() as session:
        for each in expected:
            if await audit_chain.digest(session, before, each.upto_txn) != each:
                found.append(each.number)
            before = each
    return found


async def test_ranges_follow_one_another_and_hold(world: Database) -> None:
    first, second, third = await _kept(world)
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert (second.from_txn, third.from_txn) == (first.upto_txn, second.upto_txn)
    assert (first.entries, third.entries) == (2, 2)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert await _broken(world, [first, second, third]) == []
    assert await _seal(world) is None
    async with world.sessions.begin() as session:
        entries = await rows.one(session, "SELECT count(*) FROM ledger_entries")
    assert first.entries + second.entries + third.entries == entries


@pytest.mark.parametrize("what", REWRITES)
async def test_a_rewrite_shows_in_its_range(world: Database, what: str) -> None:
    kept = await _kept(world)
    if what == "whose wallet it is":
        await world.as_owner("DROP INDEX uq_wallets_user_id_kind")
    if "kind" in what or "whose" in what:
        await world.as_owner("ALTER TABLE wallets DROP CONSTRAINT ck_wallets_not_negative")
    before = await _broken(world, kept)
    await tampering.tamper(world, *REWRITES[what])
    after = await _broken(world, kept)
    assert before == []
    assert after[0] == (1 if "dated back" in what else 2)


async def test_seals_written_anew_in_the_database_differ_from_those_outside(
    world: Database,
) -> None:
    outside = await _kept(world)
    await tampering.tamper(world, *REWRITES["an amount, with every balance that follows from it"])
    async with world.sessions.begin() as session:
        anew, before = [], None
        for each in outside:
            before = await audit_chain.digest(session, before, each.upto_txn)
            anew.append(before)
    await tampering.tamper(
        world,
        *(
            f"UPDATE audit_chain_links SET digest = '{s.digest}' WHERE number = {s.number}"
            for s in anew
        ),
    )
    assert await _broken(world, await _kept(world)) == []  # the database agrees with itself
    assert (await _broken(world, outside))[0] == 2
    assert [a == o for a, o in zip(anew, outside, strict=True)] == [True, False, False]


async def test_seals_are_append_only_for_the_application_and_the_owner(world: Database) -> None:
    for statement in ("UPDATE audit_chain_links SET digest = 'x'", "DELETE FROM audit_chain_links"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.sessions.begin() as session:
                await session.execute(text(statement))
        with pytest.raises(Exception, match="is refused for every row"):
            await world.as_owner(statement)


async def test_what_a_transaction_under_way_writes_is_not_sealed_yet(world: Database) -> None:
    async with world.sessions.begin() as late:
        await people.person(late, balance=100)
        async with world.sessions.begin() as session:
            await people.person(session, balance=200)
        assert await _seal(world) is None
    made = await _seal(world)
    assert made is not None
    assert made.entries == 4


async def test_many_writers_and_every_seal_holds(database: Database) -> None:
    async with database.sessions.begin() as session:
        payers = [(await people.person(session)).user_id for _ in range(16)]
    done = asyncio.Event()

    async def write(number: int, user_id: int) -> None:
        chance = random.Random(number)  # noqa: S311 - a pause, not a secret
        for turn in count():
            if done.is_set():
                return
            async with database.sessions.begin() as session:
                await deposits.deposit(
                    session, user_id=user_id, amount=1, key=f"c-{number}-{turn}", source="telegram"
                )
                await asyncio.sleep(chance.random() / 50)

    async with asyncio.TaskGroup() as writers:
        for number, user_id in enumerate(payers):
            assert user_id is not None
            writers.create_task(write(number, user_id))
        while len(await _kept(database)) < 10:
            await asyncio.gather(_seal(database), _seal(database))
        done.set()
    while await _seal(database):
        pass
    kept = await _kept(database)
    assert await _broken(database, kept) == []
    async with database.sessions.begin() as session:
        entries = await rows.one(session, "SELECT count(*) FROM ledger_entries")
    assert sum(each.entries for each in kept) == entries


async def test_one_seals_at_a_time_and_nobody_waits(world: Database) -> None:
    async with world.sessions.begin() as session:
        await people.person(session, balance=100)
    async with world.sessions.begin() as other:
        await other.execute(select(func.pg_advisory_xact_lock(audit_chain.LOCK)))
        assert await asyncio.wait_for(_seal(world), 5) is None
    assert await _seal(world) is not None


async def test_long_ranges_are_cut_between_transactions(world: Database) -> None:
    async with world.sessions.begin() as session:
        for _ in range(3):
            await people.person(session, balance=100)
    for _ in range(4):
        async with world.sessions.begin() as session:
            await people.person(session, balance=100)
    made = []
    while each := await _seal(world, limit=4):
        made.append(each.entries)
    assert made == [6, 4, 4]
    assert await _broken(world, await _kept(world)) == []


async def test_the_tick_keeps_seals_in_the_file_and_tells_the_admins_daily(
    world: Database, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "seals.jsonl"
    for _ in range(2):
        await tick.seal_ledger(world.sessions, path)
        assert audit_chain_file.read(path) == await _kept(world)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes() + b'{"number": 4, "from')  # killed while it wrote
    async with world.sessions.begin() as session:
        await people.person(session, balance=100)
    await tick.seal_ledger(world.sessions, path)
    assert audit_chain_file.read(path) == await _kept(world)
    assert len(audit_chain_file.read(path)) == 4

    told = (
        "SELECT user_id, payload->>'digest' FROM outbox"
        " WHERE kind = 'audit_chain_extended' ORDER BY id"
    )
    async with world.sessions.begin() as session:
        assert await rows.table(session, told) == [(None, (await _kept(world))[2].digest)]
    await world.forward(timedelta(days=1))
    await tick.seal_ledger(world.sessions, None)
    async with world.sessions.begin() as session:
        assert [digest for _, digest in await rows.table(session, told)] == [
            each.digest for each in (await _kept(world))[2:]
        ]


async def test_a_file_that_another_process_writes_is_left_to_it(
    world: Database, tmp_path: Path
) -> None:
    path = tmp_path / "seals.jsonl"
    with audit_chain_file.lock_for_append(path) as file:
        assert file is not None
        await tick.seal_ledger(world.sessions, path)
        assert audit_chain_file.read(path) == []
    await tick.seal_ledger(world.sessions, path)
    assert len(audit_chain_file.read(path)) == 3


async def test_a_database_that_contradicts_the_file_freezes_the_money(
    world: Database, tmp_path: Path
) -> None:
    path = tmp_path / "seals.jsonl"
    await tick.seal_ledger(world.sessions, path)
    kept = path.read_bytes()
    await tampering.tamper(world, "UPDATE audit_chain_links SET digest = 'x' WHERE number = 3")
    async with world.sessions.begin() as session:
        await people.person(session, balance=100)
    await tick.seal_ledger(world.sessions, path)
    assert path.read_bytes() == kept
    async with world.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT details->'audit_chain_link'->0->>'ref' FROM incidents WHERE closed_at IS NULL",
        ) == [("3",)]
        assert await rows.table(
            session, "SELECT key FROM kill_switches WHERE NOT enabled ORDER BY key"
        ) == [("new_escrows",), ("payouts",), ("refunds",), ("withdrawals",)]


async def test_the_command_names_the_first_range_that_differs(
    world: Database, tmp_path: Path
) -> None:
    shell = shell_of(world)
    path = tmp_path / "seals.jsonl"
    await tick.seal_ledger(world.sessions, path)
    kept = await _kept(world)
    sound = await shell.adtech("verify-ledger", "--seals", str(path))
    assert (sound.status, kept[2].digest in sound.out) == (0, True), sound.err
    alone = await shell.adtech("verify-ledger")
    assert (alone.status, "set AUDIT_CHAIN_FILE" in alone.out) == (0, True), alone.err

    await tampering.tamper(world, *REWRITES["an amount, with every balance that follows from it"])
    for options in (("--seals", str(path)), ()):
        broken = await shell.adtech("verify-ledger", *options)
        assert broken.status == 1
        assert f"Seal 2 is broken: transactions from {kept[1].from_txn}" in broken.err

    async with world.sessions.begin() as session:
        second = await audit_chain.digest(session, kept[0], kept[1].upto_txn)
        third = await audit_chain.digest(session, second, kept[2].upto_txn)
    await tampering.tamper(
        world,
        f"UPDATE audit_chain_links SET digest = '{second.digest}' WHERE number = 2",
        f"UPDATE audit_chain_links SET digest = '{third.digest}' WHERE number = 3",
    )
    assert (await shell.adtech("verify-ledger")).status == 0
    assert "Seal 2 is broken" in (await shell.adtech("verify-ledger", "--seals", str(path))).err
    path.write_text("nothing\n")
    assert (
        "line 1 is not a link of the audit chain"
        in (await shell.adtech("verify-ledger", "--seals", str(path))).err
    )


async def test_the_command_checks_every_row(world: Database) -> None:
    shell = shell_of(world)
    sound = await shell.adtech("check", "--full")
    assert (sound.status, sound.out) == (0, "All invariants hold.\n"), sound.err
    full = "SELECT count(*) FROM ledger_checkpoints WHERE full_since < created_at"
    async with world.sessions.begin() as session:
        assert await rows.one(session, full) == 1
    await tampering.tamper(
        world, f"UPDATE ledger_entries SET amount = amount + 1 WHERE id = {FIRST}"
    )
    broken = await shell.adtech("check", "--full")
    assert broken.status == 1
    for name in ("wallet_balance", "running_balance", "zero_sum", "ledger_total"):
        assert name in broken.err
    async with world.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM incidents") == 1
        assert (
            await rows.one(session, "SELECT count(*) FROM ledger_checkpoints WHERE violations = 4")
            == 1
        )
        assert await rows.one(session, full) == 1


async def test_the_command_numbers_on_after_a_restore(world: Database) -> None:
    shell = shell_of(world)
    shell.environment["MIGRATION_DATABASE_URL"] = world.owner_url
    done = await shell.adtech("restored")
    assert (done.status, "0 is added" in done.out) == (0, True), done.err
