"""Test the commands that make and verify a backup."""
# ruff: noqa: ASYNC240 - the tests read small local files

import stat
from pathlib import Path

import pytest

from bot.cli import postgres_programs
from bot.cli.postgres_programs import ProgramError
from sandbox import binaries, embedded
from tests.bot.cli.test_restore import back_up, empty_database, owner_shell
from tests.conftest import Database
from tests.factories import breakage, people

SERVER = 18


@pytest.fixture
async def file(database: Database, tmp_path: Path) -> Path:
    """Write a backup of a database with a person, and return its file."""
    async with database.sessions.begin() as session:
        await people.person(session, balance=500)
    return await back_up(database, tmp_path)


def put_program(folder: Path, name: str, says: str) -> None:
    """Write a program that prints a line. Without a line, the program fails."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n" if says else "#!/bin/sh\nexit 1\n")
    path.chmod(0o755)


async def test_only_its_owner_can_read_a_backup(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size > 0
    assert [path.name for path in file.parent.iterdir()] == [file.name]


async def test_a_backup_replaces_no_file(database: Database, file: Path) -> None:
    done = await owner_shell(database).adtech("backup", file)
    assert (done.status, "exists already" in done.err) == (1, True)
    done = await owner_shell(database).adtech("backup", file.parent / "missing" / "file.dump")
    assert (done.status, "cannot be written" in done.err) == (1, True)


async def test_a_folder_keeps_the_newest_backups(database: Database, tmp_path: Path) -> None:
    names = [f"adtech_2025010{day}_000000.dump" for day in range(1, 4)]
    for name in (*names, "other.dump"):
        (tmp_path / name).write_bytes(b"x")
    done = await owner_shell(database).adtech("backup", tmp_path, "--keep", 2)
    assert done.status == 0, done.said
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 3
    assert left[0] == names[-1]
    assert left[-1] == "other.dump"


@pytest.mark.parametrize("damage", ["empty", "cut", "end", "other", "missing"])
async def test_a_damaged_backup_is_refused(
    server: embedded.Postgres, file: Path, damage: str
) -> None:
    whole = file.read_bytes()
    contents = {
        "empty": b"",
        "cut": whole[: len(whole) * 2 // 3],
        "end": whole[:-1],
        "other": b"-- a backup as SQL\n",
    }
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(contents[damage])
    async with empty_database(server) as restored:
        shell = owner_shell(restored)
        scratch = server.dsn(embedded.SUPERUSER, "postgres")
        for done in (
            await shell.adtech("restore", file),
            await shell.adtech("verify-backup", file, "--scratch", scratch),
        ):
            assert done.status == 1
            said = {"empty": "is empty (0 bytes)", "missing": "There is no file"}
            assert said.get(damage, "cannot be read to its end") in done.err
        unfinished = await shell.adtech("restored")
        assert (unfinished.status, "has no tables" in unfinished.err) == (1, True)


async def test_a_backup_is_verified_on_another_server(
    server: embedded.Postgres, database: Database, file: Path, tmp_path: Path
) -> None:
    shell, scratch = owner_shell(database), server.dsn(embedded.SUPERUSER, "postgres")
    done = await shell.adtech("verify-backup", file, "--scratch", scratch)
    assert (done.status, "all invariants hold" in done.out) == (0, True), done.said
    owner = await shell.adtech("verify-backup", file, "--scratch", database.owner_url)
    assert (owner.status, "CREATEDB" in owner.err) == (1, True)
    assert (await shell.adtech("verify-backup", file)).status == 2
    assert (await shell.adtech("verify-backup", file, "--scratch", "nonsense")).status == 2

    await breakage.run_unguarded(
        database, "UPDATE wallets SET balance = balance + 1 WHERE kind = 'user'"
    )
    broken = tmp_path / "broken.dump"
    done = await shell.adtech("backup", broken, "--verify", "--scratch", scratch)
    assert (done.status, "wallet_balance" in done.err) == (1, True)
    await breakage.run_unguarded(
        database, "UPDATE wallets SET balance = balance - 1 WHERE kind = 'user'"
    )


def test_programs_that_fail_or_are_too_old_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_folder = binaries.postgres("pg_dump").parent
    for folder, says in (("failing", ""), ("old", "pg_dump (PostgreSQL) 15.2")):
        for name in ("pg_dump", "pg_restore"):
            put_program(tmp_path / folder, name, says)
    put_program(tmp_path / "half", "pg_dump", "pg_dump (PostgreSQL) 99.1")
    monkeypatch.setenv("PATH", f"{tmp_path}/failing:{tmp_path}/old:{tmp_path}/half")
    monkeypatch.setattr(postgres_programs, "_FOLDERS", ())
    found = postgres_programs.find(SERVER, None)
    assert (found.folder, found.major) == (embedded_folder, SERVER)
    assert postgres_programs.find(15, None).folder == tmp_path / "old"
    with pytest.raises(ProgramError, match="postgresql-client-99") as missing:
        postgres_programs.find(99, None)
    assert f"version 15 in {tmp_path}/old" in str(missing.value)
    with pytest.raises(ProgramError, match="in PG_BIN"):
        postgres_programs.find(SERVER, tmp_path / "old")


def test_the_password_is_no_argument_of_a_program() -> None:
    variables = postgres_programs.environment_of(
        "postgresql://owner:secret@one:1,two:2/adtech?sslmode=verify-full&sslrootcert=system"
        "&target_session_attrs=read-write"
    )
    assert variables["PGHOST"] == "one,two"
    assert variables["PGPORT"] == "1,2"
    assert variables["PGPASSWORD"] == "secret"
    assert variables["PGSSLMODE"] == "verify-full"
    assert variables["PGTARGETSESSIONATTRS"] == "read-write"
