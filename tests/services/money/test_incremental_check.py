"""Test that the periodic checks of the ledger miss no row."""

import asyncio
import random
from itertools import count

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from sandbox import embedded
from scheduler import watchdogs
from services.money import incidents, incremental_check
from services.money.incremental_check import Limits, Progress
from tests.conftest import Database
from tests.factories import breakage, payments, people, rows
from tests.services.money import check_runs
from tests.services.money.test_invariants import BREAKS

WRITERS, CHECKS = 16, 15
TINY = [
    Limits(entries=2, wallets=1, transfers=1, targets=1, deposits=1, withdrawals=1),
    Limits(entries=3, wallets=4, transfers=2, targets=2, deposits=1, withdrawals=2),
    Limits(entries=5, wallets=2, transfers=7, targets=1, deposits=9, withdrawals=1),
]
FEW = Limits(entries=9, wallets=9, transfers=9, targets=9, deposits=9, withdrawals=9)


def test_a_round_over_a_million_placements_takes_less_than_an_hour() -> None:
    # A placement has a wallet of its own with two entries, and three entries in wallets of people.
    ticks, limits, placements = 3_600 / watchdogs.LEDGER_CHECK_SECONDS, Limits(), 10**6
    assert placements / limits.targets < ticks
    assert placements / limits.wallets + 3 * placements / limits.entries < ticks
    assert 2 * placements / limits.transfers < ticks


async def test_no_entry_of_many_concurrent_transactions_is_missed(database: Database) -> None:
    # An entry gets its id before its transaction commits. Therefore, a check that reads only ids
    # above the last known id misses entries that are committed late.
    async with database.sessions.begin() as session:
        payers = [(await people.person(session)).user_id for _ in range(WRITERS)]
        since = await rows.one(session, "SELECT ledger_horizon()")
    done = asyncio.Event()
    last = 0
    checked: set[int] = set()
    checked_by_id: set[int] = set()
    final: list[tuple[int, set[int]]] = []

    async def write(number: int, user_id: int) -> None:
        chance = random.Random(number)
        for step in count():
            if done.is_set():
                return
            async with database.sessions.begin() as session:
                await payments.deposit(
                    session,
                    user_id=user_id,
                    amount=step + 1,
                    key=f"charge-{number}-{step}",
                    source="telegram",
                )
                await asyncio.sleep(chance.random() / 20)

    async def commit_late(looked: asyncio.Event) -> None:
        """Create a person with money, and commit after the next check."""
        async with database.sessions.begin() as session:
            await people.person(session, balance=100)
            late.set()
            await looked.wait()

    async with asyncio.TaskGroup() as writers:
        for number, user_id in enumerate(payers):
            assert user_id is not None
            writers.create_task(write(number, user_id))
        for step in range(CHECKS):
            looked, late = asyncio.Event(), asyncio.Event()
            if step == CHECKS // 2:  # at least one transaction commits late
                writers.create_task(commit_late(looked))
                await late.wait()
                await _another_entry(database)
            await asyncio.sleep(0.02)
            async with database.sessions.begin() as session:
                violations, upto = await incremental_check.new_since(session, since)
                assert violations == []
                checked |= await _ids(session, f"txn >= {since}")
                final.append((upto, await _ids(session, f"txn < {upto}")))
                by_id = await _ids(session, f"id > {last}")
            checked_by_id |= by_id
            since, last = upto, max(by_id, default=last)
            looked.set()
        done.set()
    async with database.sessions.begin() as session:
        checked |= await _ids(session, f"txn >= {since}")
        checked_by_id |= await _ids(session, f"id > {last}")
        everything = await _ids(session, "true")
        for upto, ids in final:  # no row below a horizon appears later
            assert await _ids(session, f"txn < {upto}") == ids
    assert len(final[-1][1]) > len(final[0][1]), "the horizon did not move"
    assert checked == everything
    assert checked_by_id < everything, "nothing committed late, so this test proves nothing"


async def _another_entry(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)


async def _ids(session: AsyncSession, condition: str) -> set[int]:
    found = await session.scalars(text(f"SELECT id FROM ledger_entries WHERE {condition}"))
    return set(found)


async def test_rows_that_commit_late_are_checked(
    business_database: Database, server: embedded.Postgres
) -> None:
    async with business_database.sessions.begin() as session:
        payer = await people.person(session, balance=100)
    name = business_database.url.partition("@/")[2].partition("?")[0]
    writer = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    try:
        await writer.execute("SET session_replication_role = replica")
        late = writer.transaction()
        await late.start()
        await writer.execute(
            "UPDATE wallets SET balance = 150, version = 2 WHERE user_id = $1 AND kind = 'user'",
            payer.user_id,
        )
        await writer.execute(
            "INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
            " reason, reference_id) SELECT (SELECT min(id) FROM ledger_transfers), id, 60, 150, 2,"
            " 'adjustment', 0 FROM wallets WHERE user_id = $1 AND kind = 'user'",
            payer.user_id,
        )
        async with business_database.sessions.begin() as session:
            await people.person(
                session, balance=100
            )  # its ids are above those of the late transaction
        async with business_database.sessions.begin() as session:
            assert await incidents.check_ledger_invariant(session) == []
        since = await _progress(business_database)
        await late.commit()
    finally:
        await writer.close()
    assert await check_runs.broken_since(business_database, since["horizon"]) == {
        "wallet_balance",
        "running_balance",
        "zero_sum",
        "ledger_total",
    }


async def _progress(database: Database) -> dict[str, int]:
    async with database.sessions.begin() as session:
        kept: dict[str, int] = await rows.one(
            session, "SELECT progress FROM ledger_checkpoints ORDER BY id DESC LIMIT 1"
        )
        return kept


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE wallets SET balance = balance + 1", {"wallet_balance"}),
        ("UPDATE wallets SET version = version + 1", {"wallet_version"}),
    ],
)
async def test_the_rolling_check_finds_an_idle_wallet(
    business_database: Database, change: str, broken: set[str]
) -> None:
    since = await check_runs.horizon(business_database)
    await breakage.run_unguarded(
        business_database, f"{change} WHERE id = (SELECT min(id) FROM wallets WHERE kind = 'user')"
    )
    assert await check_runs.broken_since(business_database, since) == set()
    progress = Progress(horizon=since)
    for _ in range(200):
        async with business_database.sessions.begin() as session:
            violations, progress = await incremental_check.run(session, progress, limits=TINY[1])
        if violations:
            break
    assert {violation.name for violation in violations} == broken


@pytest.mark.parametrize("limits", TINY)
async def test_a_round_over_a_sound_ledger_finds_nothing(
    owner: AsyncSession, limits: Limits
) -> None:
    assert await check_runs.broken_in_a_round(owner, limits) == set()


@pytest.mark.parametrize(
    ("names", "limits"), [(names, TINY[step % len(TINY)]) for step, names in enumerate(BREAKS)]
)
async def test_a_round_finds_what_the_full_check_finds(
    owner: AsyncSession, names: str, limits: Limits
) -> None:
    for statement in BREAKS[names]:
        await owner.execute(text(statement))
    assert await check_runs.broken_in_a_round(owner, limits) == set(names.split())


async def test_held_money_without_a_withdrawal_is_found(owner: AsyncSession) -> None:
    await owner.execute(text("DELETE FROM excess_payments"))
    await owner.execute(text("DELETE FROM withdrawals"))
    assert "withdrawal_wallet" in await check_runs.broken_in_a_round(owner, FEW)


async def test_a_transfer_into_a_withdrawal_wallet_without_a_withdrawal_is_found(
    business_database: Database,
) -> None:
    # The adjustment has the amount of an earlier withdrawal. So the amount alone does not show that
    # no withdrawal belongs to it.
    since = await check_runs.horizon(business_database)
    await breakage.run_unguarded(
        business_database,
        """
        SELECT post_transfer('by hand', 'adjustment', 1, ARRAY[own.id, holding.id],
            ARRAY[-300, 300]::bigint[], ARRAY['adjustment', 'adjustment'], NULL, NULL)
        FROM wallets holding JOIN wallets own ON own.user_id = holding.user_id AND own.kind = 'user'
        WHERE holding.kind = 'withdrawal'
        """,
    )
    assert "withdrawal_wallet" in await check_runs.broken_since(business_database, since)


async def test_each_entry_is_checked(owner: AsyncSession) -> None:
    for entry in sorted(await _ids(owner, "true")):
        async with owner.begin_nested() as savepoint:
            await owner.execute(
                text("UPDATE ledger_entries SET balance_after = balance_after + 1 WHERE id = :id"),
                {"id": entry},
            )
            assert "running_balance" in await check_runs.broken_in_a_round(owner, FEW)
            await savepoint.rollback()


async def test_each_missing_entry_is_found(owner: AsyncSession) -> None:
    for entry in sorted(await _ids(owner, "true")):
        async with owner.begin_nested() as savepoint:
            await owner.execute(text("DELETE FROM ledger_entries WHERE id = :id"), {"id": entry})
            broken = await check_runs.broken_in_a_round(owner, FEW)
            assert {"wallet_version", "zero_sum"} <= broken
            await savepoint.rollback()


async def test_many_new_rows_are_checked_in_several_runs(business_database: Database) -> None:
    limits = Limits(new_entries=4, new_rows=4, entries=2, wallets=1, transfers=1)
    progress = Progress(horizon=await check_runs.horizon(business_database))
    for _ in range(6):
        async with business_database.sessions.begin() as session:
            payer = await people.person(session, balance=100)
    await breakage.run_unguarded(
        business_database,
        f"UPDATE wallets SET balance = 99 WHERE kind = 'user' AND user_id = {payer.user_id}",
    )
    goal = await check_runs.horizon(business_database)
    runs, found = 0, set()
    while (progress.horizon or 0) < goal:
        before = progress.horizon or 0
        async with business_database.sessions.begin() as session:
            violations, upto = await incremental_check.new_since(session, before, limits=limits)
        found |= {violation.name for violation in violations}
        assert upto > before
        progress = Progress(horizon=upto)
        runs += 1
    assert runs > 2
    assert found == {"wallet_balance"}


async def test_a_run_starts_where_the_last_sound_run_ended(business_database: Database) -> None:
    async with business_database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    first = await _progress(business_database)
    async with business_database.sessions.begin() as session:
        await people.person(session, balance=100)
        await people.commit(session)
    async with business_database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    second = await _progress(business_database)
    assert second["horizon"] > first["horizon"]
    await breakage.run_unguarded(
        business_database, "UPDATE wallets SET balance = balance + 1 WHERE kind = 'user'"
    )
    for _ in range(2):  # the same rows are checked again until they are repaired
        async with business_database.sessions.begin() as session:
            assert await incidents.check_ledger_invariant(session)
        assert await _progress(business_database) is None
    await breakage.run_unguarded(
        business_database, "UPDATE wallets SET balance = balance - 1 WHERE kind = 'user'"
    )
    async with business_database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    assert (await _progress(business_database))["horizon"] >= second["horizon"]


async def test_a_restored_database_continues_the_transaction_numbers(
    business_database: Database,
) -> None:
    await breakage.run_unguarded(
        business_database,
        "INSERT INTO ledger_checkpoints (violations, details, progress)"
        """ VALUES (0, '{}', '{"horizon": 5000000000}')""",
    )
    async with business_database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == [
            incremental_check.TRANSACTION_NUMBERS_RESTARTED
        ]
    with pytest.raises(DBAPIError, match="permission denied"):
        async with business_database.sessions.begin() as session:
            await session.execute(text("SELECT restart_ledger_txn()"))
    for _ in range(2):  # a second time changes nothing
        await business_database.as_owner("SELECT restart_ledger_txn()")
    async with business_database.sessions.begin() as session:
        assert 5_000_000_000 <= await rows.one(session, "SELECT ledger_horizon()") < 5_000_001_000
    async with business_database.sessions.begin() as session:
        await people.person(session, balance=100)
        assert await rows.one(session, "SELECT max(txn) FROM ledger_entries") > 5_000_000_000
    async with business_database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
