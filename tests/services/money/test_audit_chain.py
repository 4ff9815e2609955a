"""Test that the audit chain shows changes of old rows of the ledger."""

import asyncio
import random
from itertools import count

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import audit_chain
from services.money.audit_chain import ChainLink
from tests.conftest import Database
from tests.factories import audit_chain as chain
from tests.factories import breakage, payments, people, rows

_BEYOND = 2**62
"""A transaction number above all others."""
_AMOUNTS = frozenset({"amount", "fee", "recovered", "loss"})


async def _broken(database: Database, expected: list[ChainLink]) -> list[int]:
    """Return the numbers of the `expected` links that differ from the rows of the database."""
    before, found = None, []
    async with database.sessions.begin() as session:
        for each in expected:
            if (await audit_chain.compute(session, before, each.upto_txn)).link != each:
                found.append(each.number)
            before = each
    return found


async def test_links_cover_the_ledger_without_gaps(chained_database: Database) -> None:
    first, second, third = await chain.links(chained_database.sessions)
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert (second.from_txn, third.from_txn) == (first.upto_txn, second.upto_txn)
    assert (first.entries, third.entries) == (2, 2)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert await _broken(chained_database, [first, second, third]) == []
    assert await chain.extend(chained_database.sessions) is None
    async with chained_database.sessions.begin() as session:
        entries = await rows.one(session, "SELECT count(*) FROM ledger_entries")
    assert first.entries + second.entries + third.entries == entries


@pytest.mark.parametrize("what", chain.REWRITES)
async def test_a_rewrite_changes_the_digest_of_its_link(
    chained_database: Database, what: str
) -> None:
    kept = await chain.links(chained_database.sessions)
    if what == "whose wallet it is":
        await chained_database.as_owner("DROP INDEX uq_wallets_user_id_kind")
    if "kind" in what or "whose" in what:
        await chained_database.as_owner(
            "ALTER TABLE wallets DROP CONSTRAINT ck_wallets_not_negative"
        )
    before = await _broken(chained_database, kept)
    await breakage.run_unguarded(chained_database, *chain.REWRITES[what])
    after = await _broken(chained_database, kept)
    assert before == []
    assert after[0] == (1 if "dated back" in what else 2)


TERMS = {
    "deposits": ("user_id", "amount", "currency", "source", "external_reference"),
    "clawbacks": ("deposit_id", "user_id", "amount", "recovered", "loss", "currency"),
    "withdrawals": ("user_id", "amount", "currency", "key", "fee"),
    "excess_payments": ("withdrawal_id", "amount", "recovered", "external_reference"),
    "corrections": ("wallet_id", "other_wallet_id", "amount", "reason", "confirmed_by"),
    "escrows": ("wallet_id", "amount", "fee"),
}
"""The columns that this test changes, by table."""
_CONSTRAINTS = text("""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
    FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype IN ('c', 'f', 'u')
    ORDER BY conindid  -- a foreign key depends on the index of its target
""")


@pytest.mark.parametrize("table", TERMS)
async def test_a_link_covers_the_terms_of_each_kind_of_row(owner: AsyncSession, table: str) -> None:
    for drop in (await owner.scalars(_CONSTRAINTS, {"table": table})).all():
        await owner.execute(text(drop))
    before = await audit_chain.compute(owner, None, _BEYOND)
    for column in TERMS[table]:
        change = f"UPDATE {table} SET {column} = {column} "
        number = column.endswith(("id", "by")) or column in _AMOUNTS
        async with owner.begin_nested() as savepoint:
            await owner.execute(text(change + ("+ 1" if number else "|| 'x'")))
            changed = await audit_chain.compute(owner, None, _BEYOND)
            assert changed.link != before.link, column
            assert changed.without_terms == before.without_terms
            await savepoint.rollback()
    assert await audit_chain.compute(owner, None, _BEYOND) == before


async def test_links_that_are_recomputed_after_a_rewrite_differ_from_a_copy_outside(
    chained_database: Database,
) -> None:
    outside = await chain.links(chained_database.sessions)
    await breakage.run_unguarded(
        chained_database, *chain.REWRITES["an amount, with every balance that follows from it"]
    )
    async with chained_database.sessions.begin() as session:
        anew, before = [], None
        for each in outside:
            before = (await audit_chain.compute(session, before, each.upto_txn)).link
            anew.append(before)
    await breakage.run_unguarded(
        chained_database,
        *(
            f"UPDATE audit_chain_links SET digest = '{s.digest}' WHERE number = {s.number}"
            for s in anew
        ),
    )
    assert (
        await _broken(chained_database, await chain.links(chained_database.sessions)) == []
    )  # the recomputed links match the changed rows
    assert (await _broken(chained_database, outside))[0] == 2
    assert [a == o for a, o in zip(anew, outside, strict=True)] == [True, False, False]


async def test_links_are_append_only_for_the_application_and_the_owner(
    chained_database: Database,
) -> None:
    for statement in ("UPDATE audit_chain_links SET digest = 'x'", "DELETE FROM audit_chain_links"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with chained_database.sessions.begin() as session:
                await session.execute(text(statement))
        with pytest.raises(Exception, match="is refused for every row"):
            await chained_database.as_owner(statement)


async def test_rows_of_an_open_transaction_are_not_in_a_link(
    chained_database: Database,
) -> None:
    async with chained_database.sessions.begin() as late:
        await people.person(late, balance=100)
        async with chained_database.sessions.begin() as session:
            await people.person(session, balance=200)
        assert await chain.extend(chained_database.sessions) is None
    made = await chain.extend(chained_database.sessions)
    assert made is not None
    assert made.entries == 4


async def test_links_hold_while_many_transactions_write(database: Database) -> None:
    async with database.sessions.begin() as session:
        payers = [(await people.person(session)).user_id for _ in range(16)]
    done = asyncio.Event()

    async def write(number: int, user_id: int) -> None:
        chance = random.Random(number)
        for step in count():
            if done.is_set():
                return
            async with database.sessions.begin() as session:
                await payments.deposit(
                    session, user_id=user_id, amount=1, key=f"c-{number}-{step}", source="telegram"
                )
                await asyncio.sleep(chance.random() / 50)

    async with asyncio.TaskGroup() as writers:
        for number, user_id in enumerate(payers):
            assert user_id is not None
            writers.create_task(write(number, user_id))
        while len(await chain.links(database.sessions)) < 10:
            await asyncio.gather(chain.extend(database.sessions), chain.extend(database.sessions))
        done.set()
    while await chain.extend(database.sessions):
        pass
    kept = await chain.links(database.sessions)
    assert await _broken(database, kept) == []
    async with database.sessions.begin() as session:
        entries = await rows.one(session, "SELECT count(*) FROM ledger_entries")
    assert sum(each.entries for each in kept) == entries


async def test_only_one_process_extends_the_chain_and_nobody_waits(
    chained_database: Database,
) -> None:
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    async with chained_database.sessions.begin() as other:
        await other.execute(select(func.pg_advisory_xact_lock(7_004)))
        assert await asyncio.wait_for(chain.extend(chained_database.sessions), 5) is None
    assert await chain.extend(chained_database.sessions) is not None


async def test_long_ranges_are_divided_between_transactions(chained_database: Database) -> None:
    async with chained_database.sessions.begin() as session:
        for _ in range(3):
            await people.person(session, balance=100)
    for _ in range(4):
        async with chained_database.sessions.begin() as session:
            await people.person(session, balance=100)
    made = []
    while each := await chain.extend(chained_database.sessions, limit=4):
        made.append(each.entries)
    assert made == [6, 4, 4]
    assert await _broken(chained_database, await chain.links(chained_database.sessions)) == []
