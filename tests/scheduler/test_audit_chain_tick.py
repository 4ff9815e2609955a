"""Test the periodic function that adds links to the audit chain."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from db.models.operations import Switch
from scheduler import audit_chain_tick as tick
from services.money import audit_chain_file
from services.platform import killswitches
from tests.conftest import Database
from tests.factories import audit_chain as chain
from tests.factories import breakage, people, rows


async def test_the_tick_writes_links_to_the_file_and_notifies_the_admins_daily(
    chained_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "links.jsonl"
    for _ in range(2):
        await tick.extend_audit_chain(chained_database.sessions, path)
        assert audit_chain_file.read(path) == await chain.links(chained_database.sessions)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes() + b'{"number": 4, "from')
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    await tick.extend_audit_chain(chained_database.sessions, path)
    assert audit_chain_file.read(path) == await chain.links(chained_database.sessions)
    assert len(audit_chain_file.read(path)) == 4

    notices = (
        "SELECT user_id, payload->>'digest' FROM outbox"
        " WHERE kind = 'audit_chain_extended' ORDER BY id"
    )
    async with chained_database.sessions.begin() as session:
        assert await rows.table(session, notices) == [
            (None, (await chain.links(chained_database.sessions))[2].digest)
        ]
    await chained_database.forward(timedelta(days=1))
    await tick.extend_audit_chain(chained_database.sessions, None)
    async with chained_database.sessions.begin() as session:
        assert [digest for _, digest in await rows.table(session, notices)] == [
            each.digest for each in (await chain.links(chained_database.sessions))[2:]
        ]


async def test_a_file_that_another_process_has_locked_is_skipped(
    chained_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "links.jsonl"
    with audit_chain_file.lock_for_append(path) as (_, is_locked):
        assert is_locked
        await tick.extend_audit_chain(chained_database.sessions, path)
        assert audit_chain_file.read(path) == []
    await tick.extend_audit_chain(chained_database.sessions, path)
    assert len(audit_chain_file.read(path)) == 3


async def test_a_database_that_contradicts_the_file_freezes_the_money(
    chained_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "links.jsonl"
    await tick.extend_audit_chain(chained_database.sessions, path)
    kept = path.read_bytes()
    await breakage.run_unguarded(
        chained_database, "UPDATE audit_chain_links SET digest = 'x' WHERE number = 3"
    )
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    await tick.extend_audit_chain(chained_database.sessions, path)
    assert path.read_bytes() == kept
    async with chained_database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT details->'audit_chain_link'->0->>'ref' FROM incidents WHERE closed_at IS NULL",
        ) == [("3",)]
        stopped = {state.key for state in await killswitches.overview(session) if not state.enabled}
        assert stopped == set(killswitches.FROZEN_BY_INCIDENT)


async def _faults(database: Database) -> list[str]:
    """Return the faults in the open incidents about the audit chain."""
    async with database.sessions.begin() as session:
        return [
            name
            for (name,) in await rows.table(
                session,
                "SELECT jsonb_object_keys(details) FROM incidents"
                " WHERE kind = 'audit_chain_broken' AND closed_at IS NULL ORDER BY 1",
            )
        ]


@pytest.mark.parametrize("change", ["vanishes", "is emptied", "loses its last line"])
async def test_a_file_that_lost_links_is_an_incident_and_is_not_filled_again(
    chained_database: Database, tmp_path: Path, change: str
) -> None:
    path = tmp_path / "links.jsonl"
    await tick.extend_audit_chain(chained_database.sessions, path)
    kept = path.read_bytes()
    left = b"".join(kept.splitlines(keepends=True)[:-1])
    if change == "vanishes":
        path.unlink()
    else:
        path.write_bytes(left if change == "loses its last line" else b"")
    for _ in range(2):
        await tick.extend_audit_chain(chained_database.sessions, path)
    assert await _faults(chained_database) == ["audit_chain_file_shrunk"]
    assert path.read_bytes() == (left if change == "loses its last line" else b"")
    async with chained_database.sessions.begin() as session:
        told = "SELECT count(*) FROM outbox WHERE kind = 'audit_chain_broken' AND user_id IS NULL"
        assert await rows.one(session, told) == 1
        stopped = "SELECT count(*) FROM running_switches"
        assert await rows.one(session, stopped) == len(Switch)
    path.write_bytes(kept)  # the file comes back from its backup
    await tick.extend_audit_chain(chained_database.sessions, path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("written_before", [True, False])
async def test_a_file_whose_lock_is_held_is_an_incident_after_a_while(
    chained_database: Database, tmp_path: Path, *, written_before: bool
) -> None:
    path = tmp_path / "links.jsonl"
    if written_before:
        await tick.extend_audit_chain(chained_database.sessions, path)
    with audit_chain_file.lock_for_append(path):
        await tick.extend_audit_chain(chained_database.sessions, path)
        assert await _faults(chained_database) == []
        await chained_database.as_owner(
            "UPDATE audit_chain_files SET written_at = written_at - interval '11 minutes'"
        )
        await tick.extend_audit_chain(chained_database.sessions, path)
    assert await _faults(chained_database) == ["audit_chain_file_locked"]


@pytest.mark.parametrize("holds", ["the lock", "a transaction number"])
async def test_old_entries_without_a_link_are_an_incident(
    chained_database: Database, holds: str
) -> None:
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    async with chained_database.sessions.begin() as other:
        if holds == "the lock":
            await other.execute(text("SELECT pg_advisory_xact_lock(7004)"))
        else:
            await other.execute(text("SELECT ledger_txn()"))
        async with chained_database.sessions.begin() as session:
            await people.person(session, balance=100)
        await tick.extend_audit_chain(chained_database.sessions, None)
        assert await _faults(chained_database) == []
        await chained_database.forward(timedelta(minutes=11))
        await tick.extend_audit_chain(chained_database.sessions, None)
        assert await _faults(chained_database) == ["audit_chain_late"]


async def test_a_link_from_the_future_is_an_incident(chained_database: Database) -> None:
    await chained_database.as_owner(
        "INSERT INTO audit_chain_links (number, from_txn, upto_txn, entries, digest)"
        " SELECT number + 1, upto_txn, 9000000000000000000, 0, 'x' FROM audit_chain_links"
        " ORDER BY number DESC LIMIT 1"
    )
    await tick.extend_audit_chain(chained_database.sessions, None)
    assert await _faults(chained_database) == ["audit_chain_ahead"]


async def test_the_application_cannot_write_links_or_shorten_what_a_file_has(
    chained_database: Database, tmp_path: Path
) -> None:
    await tick.extend_audit_chain(chained_database.sessions, tmp_path / "links.jsonl")
    connection = await asyncpg.connect(chained_database.url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("INSERT INTO audit_chain_links VALUES (9, 1, 2, 0, 'x')")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await connection.execute("UPDATE audit_chain_files SET last_number = 0")
    assert refusal.value.sqlstate == "AD031"
    await connection.close()


async def test_an_entry_without_a_link_is_late_after_the_clock_was_set_back(
    chained_database: Database,
) -> None:
    async with chained_database.sessions.begin() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(7004)"))
        await chained_database.forward(timedelta(hours=1))
        async with chained_database.sessions.begin() as session:
            await people.person(session, balance=100)
        await chained_database.as_owner("UPDATE clock_shift SET shift = interval '0'")
        await tick.extend_audit_chain(chained_database.sessions, None)
    assert await _faults(chained_database) == ["audit_chain_late"]


async def test_without_a_file_from_the_beginning_nothing_is_missing(
    chained_database: Database,
) -> None:
    await tick.extend_audit_chain(chained_database.sessions, None)
    assert await _faults(chained_database) == []
