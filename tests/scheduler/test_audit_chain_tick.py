"""Test the tick that adds links to the audit chain, in the database and in a file."""

from datetime import timedelta
from pathlib import Path

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
    with audit_chain_file.lock_for_append(path) as file:
        assert file is not None
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
