"""Test the `adtech` commands that check the ledger."""

from pathlib import Path

from migrations import functions
from scheduler import audit_chain_tick as tick
from services.money import audit_chain
from tests.conftest import Database
from tests.factories import audit_chain as chain
from tests.factories import breakage, people, rows
from tests.shell import shell_of


async def test_verify_ledger_names_the_first_link_that_differs(
    chained_database: Database, tmp_path: Path
) -> None:
    shell = shell_of(chained_database)
    path = tmp_path / "links.jsonl"
    await tick.extend_audit_chain(chained_database.sessions, path)
    kept = await chain.links(chained_database.sessions)
    sound = await shell.adtech("verify-ledger", "--file", str(path))
    assert (sound.status, kept[2].digest in sound.out) == (0, True), sound.err
    alone = await shell.adtech("verify-ledger")
    assert (alone.status, "Nothing from outside the database" in alone.err) == (1, True)

    await breakage.run_unguarded(
        chained_database, *chain.REWRITES["an amount, with every balance that follows from it"]
    )
    for options in (("--file", str(path)), ()):
        broken = await shell.adtech("verify-ledger", *options)
        assert broken.status == 1
        assert f"Link 2 is broken: transactions from {kept[1].from_txn}" in broken.err

    async with chained_database.sessions.begin() as session:
        second = (await audit_chain.compute(session, kept[0], kept[1].upto_txn)).link
        third = (await audit_chain.compute(session, second, kept[2].upto_txn)).link
    await breakage.run_unguarded(
        chained_database,
        f"UPDATE audit_chain_links SET digest = '{second.digest}' WHERE number = 2",
        f"UPDATE audit_chain_links SET digest = '{third.digest}' WHERE number = 3",
    )
    assert "is broken" not in (await shell.adtech("verify-ledger")).err
    assert "Link 2 is broken" in (await shell.adtech("verify-ledger", "--file", str(path))).err
    path.write_text("nothing\n")
    assert (
        "line 1 is not a link of the audit chain"
        in (await shell.adtech("verify-ledger", "--file", str(path))).err
    )


async def test_verify_ledger_accepts_links_of_earlier_revisions_only_before_all_others(
    chained_database: Database, tmp_path: Path
) -> None:
    sessions, shell = chained_database.sessions, shell_of(chained_database)
    path = tmp_path / "links.jsonl"
    await breakage.run_unguarded(chained_database, "DELETE FROM audit_chain_links")
    for revision, balance in (("0007", 100), ("0009", 200), ("0007", 300)):
        await chained_database.as_owner(functions.text("extend_audit_chain", revision))
        await tick.extend_audit_chain(sessions, path)
        verified = await shell.adtech("verify-ledger", "--file", str(path))
        assert verified.status == (balance == 300), verified.err
        async with sessions.begin() as session:
            await people.person(session, balance=balance)
    assert "Link 3 is broken" in verified.err


async def test_check_full_checks_every_row(chained_database: Database) -> None:
    shell = shell_of(chained_database)
    sound = await shell.adtech("check", "--full")
    assert (sound.status, sound.out) == (0, "All invariants hold.\n"), sound.err
    full = "SELECT count(*) FROM ledger_checkpoints WHERE full_since < created_at"
    async with chained_database.sessions.begin() as session:
        assert await rows.one(session, full) == 1
    await breakage.run_unguarded(
        chained_database, f"UPDATE ledger_entries SET amount = amount + 1 WHERE id = {chain.FIRST}"
    )
    broken = await shell.adtech("check", "--full")
    assert broken.status == 1
    for name in ("wallet_balance", "running_balance", "zero_sum", "ledger_total"):
        assert name in broken.err
    async with chained_database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM incidents") == 1
        assert (
            await rows.one(session, "SELECT count(*) FROM ledger_checkpoints WHERE violations = 4")
            == 1
        )
        assert await rows.one(session, full) == 1
