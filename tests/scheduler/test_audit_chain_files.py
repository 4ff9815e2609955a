"""Test which files of the audit chain are known, and how an unknown file is reported."""
# ruff: noqa: ASYNC240 - small files

import asyncio
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.models.users import Role
from scheduler import audit_chain_tick as tick
from services.money import audit_chain_copies, audit_chain_file, incidents
from services.money.audit_chain import ChainLink
from services.money.invariants import Violation
from services.platform import errors
from services.platform.actors import SYSTEM, Actor
from tests.conftest import Database
from tests.factories import audit_chain as chain
from tests.factories import breakage, people, rows

SHRUNK = "audit_chain_file_shrunk"
UNKNOWN = "audit_chain_file_unknown"
UNUSABLE = "audit_chain_file_unusable"
LOCKED = "audit_chain_file_locked"


async def _tick(database: Database, path: Path) -> None:
    await tick.extend_audit_chain(database.sessions, path)


async def _add_link(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
    assert await chain.extend(database.sessions) is not None


async def _faults(database: Database) -> list[tuple[str, str]]:
    """Return the name and the file of each fault. Assert that the staff read of each once."""
    fault = "fault.key, fault.value->0->>'ref' FROM"
    async with database.sessions.begin() as session:
        found = await rows.table(
            session, f"SELECT {fault} incidents, jsonb_each(details) AS fault ORDER BY id"
        )
        told = await rows.table(
            session,
            "SELECT fault->>'name', fault->'rows'->0->>'ref' FROM outbox,"
            " jsonb_array_elements(payload->'violations') AS fault"
            " WHERE kind = 'audit_chain_broken' AND user_id IS NULL ORDER BY id",
        )
    assert told == found
    return [(name, ref) for name, ref in found]


async def _operator(database: Database) -> Actor:
    async with database.sessions.begin() as session:
        return await people.staff(session, Role.OPERATOR)


async def _allow(database: Database) -> bool:
    operator = await _operator(database)
    async with database.sessions.begin() as session:
        return await audit_chain_copies.allow_new(session, operator)


def _links(path: Path) -> list[ChainLink]:
    return audit_chain_file.read(path)


def _name(path: Path) -> str:
    with audit_chain_file.lock_for_append(path) as (file, _):
        return audit_chain_file.name_of(file) or ""


def _make_old(path: Path) -> None:
    """Remove the name from a file, as in a file of an earlier version."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"file"' not in line))


@pytest.fixture
async def path(chained_database: Database, tmp_path: Path) -> Path:
    """Return the file with three links."""
    path = tmp_path / "links.jsonl"
    await _tick(chained_database, path)
    assert len(_links(path)) == 3
    return path


async def test_a_file_is_known_wherever_it_is(
    chained_database: Database, path: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "volume" / "chain.jsonl"
    moved.parent.mkdir()
    path.rename(moved)
    await _add_link(chained_database)
    await _tick(chained_database, moved)
    assert len(_links(moved)) == 4
    assert await _faults(chained_database) == []


@pytest.mark.parametrize("place", ["links.jsonl", "another container/links.jsonl"])
async def test_a_file_that_vanished_is_begun_again_only_by_an_operator(
    chained_database: Database, path: Path, tmp_path: Path, place: str
) -> None:
    path.unlink()
    path = tmp_path / place
    for _ in range(2):
        await _tick(chained_database, path)
        assert _links(path) == []
        assert await _faults(chained_database) == [(SHRUNK, str(path))]
    assert await _allow(chained_database)
    assert not await _allow(chained_database)
    await _tick(chained_database, path)
    assert _links(path) == await chain.links(chained_database.sessions)
    path.unlink()  # the permission is used up
    await _tick(chained_database, path)
    assert _links(path) == []


async def test_a_new_file_is_told_and_audited(chained_database: Database, path: Path) -> None:
    operator = await _operator(chained_database)
    async with chained_database.sessions.begin() as session:
        assert await audit_chain_copies.allow_new(session, operator)
    async with chained_database.sessions.begin() as session:
        audit = (
            "SELECT user_id, role, metadata->>'file' = $$NAME$$ FROM user_audit_logs"
            " WHERE action = 'audit_chain_file_added' ORDER BY id"
        ).replace("NAME", _name(path))
        assert await rows.table(session, audit) == [
            (None, "system", True),
            (operator.user_id, "operator", False),
        ]
        told = (
            "SELECT payload->'user_id' FROM outbox WHERE kind = 'audit_chain_file_added'"
            " AND user_id IS NULL AND priority = 0 ORDER BY id"
        )
        assert await rows.table(session, told) == [(None,), (operator.user_id,)]


@pytest.mark.parametrize("moved", ["- interval '61 minutes'", "+ interval '61 minutes'"])
async def test_a_permission_that_is_not_used_ends(
    chained_database: Database, path: Path, moved: str
) -> None:
    await _allow(chained_database)
    await _tick(chained_database, path)  # a known file does not use the permission
    await chained_database.as_owner(
        f"UPDATE audit_chain_files SET written_at = written_at {moved} WHERE last_number = 0"
    )
    path.unlink()
    await _tick(chained_database, path)
    assert _links(path) == []
    assert await _faults(chained_database) == [(SHRUNK, str(path))]
    assert await _allow(chained_database)


async def test_two_operators_allow_one_file(chained_database: Database, path: Path) -> None:
    operator = await _operator(chained_database)
    async with chained_database.sessions.begin() as session:
        assert await audit_chain_copies.allow_new(session, operator)
        other = asyncio.create_task(_allow(chained_database))
        await asyncio.sleep(0.5)
    assert not await other
    assert path.exists()


async def _close(database: Database, operator: Actor) -> None:
    async with database.sessions.begin() as session:
        for opened in await incidents.open_incidents(session):
            await breakage.close_incident(session, operator, opened.id)


async def test_a_setting_that_became_empty_is_an_incident_until_somebody_accepts_it(
    chained_database: Database, path: Path
) -> None:
    last_write = "UPDATE audit_chain_files SET written_at = now() + interval '{} minutes'"
    await tick.extend_audit_chain(chained_database.sessions, None)
    assert await _faults(chained_database) == []
    await chained_database.as_owner(last_write.format(-11))
    for _ in range(2):
        await tick.extend_audit_chain(chained_database.sessions, None)
        assert await _faults(chained_database) == [("audit_chain_file_unset", "0")]
    await _close(chained_database, await _operator(chained_database))
    await tick.extend_audit_chain(chained_database.sessions, None)
    assert len(await _faults(chained_database)) == 1
    await _tick(chained_database, path)  # the file is written again
    await chained_database.as_owner(last_write.format(11))
    await tick.extend_audit_chain(chained_database.sessions, None)
    assert len(await _faults(chained_database)) == 2


async def test_only_an_operator_allows_a_new_file(chained_database: Database, path: Path) -> None:
    async with chained_database.sessions.begin() as session:
        admin = await people.staff(session, Role.ADMIN)
    operator = await _operator(chained_database)
    for actor in (admin, SYSTEM, Actor(operator.user_id, operator.roles, in_admin_chat=False)):
        with pytest.raises(errors.AccessDenied):
            async with chained_database.sessions.begin() as session:
                await audit_chain_copies.allow_new(session, actor)
    assert path.exists()


async def test_two_hosts_have_a_file_each(
    chained_database: Database, path: Path, tmp_path: Path
) -> None:
    second = tmp_path / "host two" / "links.jsonl"
    await _tick(chained_database, second)
    assert await _faults(chained_database) == [(SHRUNK, str(second))]
    await _allow(chained_database)
    for leader in (second, path, path, second):
        await _add_link(chained_database)
        await _tick(chained_database, leader)
        assert _links(leader) == await chain.links(chained_database.sessions)
    assert _name(path) != _name(second)
    assert len(await _faults(chained_database)) == 1
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    await _tick(chained_database, second)
    assert len(await _faults(chained_database)) == 1
    await _tick(chained_database, path)
    assert (await _faults(chained_database))[1:] == [(SHRUNK, _name(path))]


async def test_a_file_of_another_installation_is_not_continued(
    chained_database: Database, path: Path
) -> None:
    own = _name(path)
    content = path.read_bytes().replace(own.encode(), b"another")
    path.write_bytes(content)
    await _tick(chained_database, path)
    assert await _faults(chained_database) == [(UNKNOWN, "another")]
    path.write_bytes(content[content.index(b"\n") + 1 :])
    await _tick(chained_database, path)
    assert (await _faults(chained_database))[1:] == [(UNKNOWN, str(path))]
    await _allow(chained_database)
    await _tick(chained_database, path)
    assert _name(path) not in ("", own, "another")
    await _tick(chained_database, path)
    assert len(await _faults(chained_database)) == 2


@pytest.mark.parametrize("grows", [True, False])
@pytest.mark.parametrize("then", ["nothing", "vanishes", "loses its last line"])
async def test_a_file_of_an_earlier_version_gets_a_name(
    chained_database: Database, path: Path, *, grows: bool, then: str
) -> None:
    _make_old(path)
    old = f"old-container:{path}"
    await chained_database.as_owner(f"UPDATE audit_chain_files SET name = '{old}'")
    if grows:
        await _add_link(chained_database)
    for _ in range(2):
        await _tick(chained_database, path)
    assert _name(path) == old
    assert _links(path) == await chain.links(chained_database.sessions)
    assert await _faults(chained_database) == []
    if then == "vanishes":
        path.unlink()
    elif then != "nothing":
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:2] + lines[3:]) if not grows else b"".join(lines[:-1]))
    await _tick(chained_database, path)
    assert await _faults(chained_database) == ([] if then == "nothing" else [(SHRUNK, old)])


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda content: content[:-1], [SHRUNK]),
        (lambda content: content + content.splitlines(keepends=True)[-1], []),
        (lambda content: content.replace(b"\n", b"\r\n"), []),
        (
            lambda content: b"".join(sorted(content.splitlines(keepends=True), reverse=True)),
            [SHRUNK],
        ),
        (lambda content: content + b"\n", [UNUSABLE]),
        (lambda content: content + b"x" * 5_000, [UNUSABLE]),
        (lambda content: content + b'{"number": 4}\n', [UNUSABLE]),
        (lambda content: content.replace(b'"number": 3', b'"number": "3"'), [UNUSABLE]),
        (lambda content: content + b"[" * 3_000 + b"\n", [UNUSABLE]),
        (lambda content: b'{"file": 5}\n' + content, [UNUSABLE]),
    ],
    ids=[
        *("a byte less", "a link twice", "CRLF", "another order", "an empty line"),
        *(
            "a long line",
            "keys that are missing",
            "a wrong type",
            "deep JSON",
            "a number as the name",
        ),
    ],
)
async def test_a_changed_file(
    chained_database: Database, path: Path, change: Callable[[bytes], bytes], faults: list[str]
) -> None:
    path.write_bytes(change(path.read_bytes()))
    await _add_link(chained_database)
    for _ in range(2):
        await _tick(chained_database, path)
        assert [name for name, _ in await _faults(chained_database)] == faults
    if not faults:
        assert _links(path)[-1].number == 4


def _in_a_loop(path: Path) -> None:
    path.symlink_to(path)


def _nowhere(path: Path) -> None:
    path.symlink_to("missing/folder/links.jsonl")


def _no_file(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    "spoil", [Path.mkdir, os.mkfifo, _in_a_loop, _nowhere, _no_file], ids=lambda f: f.__name__
)
async def test_a_path_that_cannot_be_a_file_is_an_incident(
    chained_database: Database, path: Path, spoil: Callable[[Path], None]
) -> None:
    kept = path.rename(path.with_suffix(".kept"))
    spoil(path)
    for _ in range(2):
        await _tick(chained_database, path)
        assert await _faults(chained_database) == [(UNUSABLE, str(path))]
    path.rmdir() if path.is_dir() else path.unlink()
    path.symlink_to(kept)  # a link to the file is as good as the file
    await _add_link(chained_database)
    await _tick(chained_database, path)
    assert len(_links(kept)) == 4
    assert len(await _faults(chained_database)) == 1


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("space", [0, 20])
async def test_a_full_disk_is_an_incident_and_loses_no_link(
    chained_database: Database, path: Path, space: int
) -> None:
    await _add_link(chained_database)
    with _full_disk(path.stat().st_size + space):
        for _ in range(2):
            await _tick(chained_database, path)
    assert await _faults(chained_database) == [(UNUSABLE, str(path))]
    await _tick(chained_database, path)
    assert _links(path) == await chain.links(chained_database.sessions)
    assert len(await _faults(chained_database)) == 1


@pytest.mark.parametrize("moved", ["- interval '11 minutes'", "+ interval '11 minutes'"])
async def test_a_held_lock_is_noticed_whichever_way_the_clock_jumped(
    chained_database: Database, path: Path, moved: str
) -> None:
    await chained_database.as_owner(f"UPDATE audit_chain_files SET written_at = written_at {moved}")
    with audit_chain_file.lock_for_append(path):
        await _tick(chained_database, path)
    assert await _faults(chained_database) == [(LOCKED, _name(path))]


async def test_a_lock_does_not_hide_that_the_file_vanished(
    chained_database: Database, path: Path
) -> None:
    path.unlink()
    with audit_chain_file.lock_for_append(path):
        await _tick(chained_database, path)
    assert await _faults(chained_database) == [(SHRUNK, str(path))]


async def test_a_fault_is_told_while_an_incident_about_another_is_open(
    chained_database: Database, path: Path
) -> None:
    async with chained_database.sessions.begin() as session:
        late = Violation("audit_chain_late", "late", [{"ref": 0}])
        await incidents.report_audit_chain(session, [late])
    path.unlink()
    for _ in range(2):
        await _tick(chained_database, path)
    assert await _faults(chained_database) == [("audit_chain_late", "0"), (SHRUNK, str(path))]
