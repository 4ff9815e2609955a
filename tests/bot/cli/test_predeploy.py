"""Test the check before a release, and each reason for which it fails."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from bot import env_file
from bot.cli import predeploy, running_sandbox
from sandbox import binaries, embedded, logins
from tests.conftest import ROOT, Database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import breakage
from tests.shell import Shell, shell_of

HEAD, BEFORE, _, THREE_BEFORE = predeploy.known_revisions()[:4]
BEAT = "INSERT INTO heartbeats (owner, name) VALUES (concat($1::text, '-1'), $1)"
CHECKED = (
    "INSERT INTO ledger_checkpoints (violations, details, created_at)"
    " VALUES ($1, '{}', clock() - $2 * interval '1 minute')"
)
ROLES = {
    "DATABASE_URL": logins.BOT,
    "INTAKE_DATABASE_URL": logins.INTAKE,
    "CLOCK_DATABASE_URL": logins.CLOCK,
    "REPORTS_DATABASE_URL": logins.REPORTS,
    "MIGRATION_DATABASE_URL": logins.OWNER,
}


@pytest.fixture
def shell(database: Database, server: embedded.Postgres) -> Shell:
    """Return a runner of `adtech` that has all settings of a release."""
    name = str(make_url(database.url).database)
    urls = {setting: server.dsn(role, name) for setting, role in ROLES.items()}
    others = {
        "SUPER_ADMIN_IDS": "1",
        "SUPPORT_CONTACT": "@support",
        "ENVIRONMENT": "production",
    }
    return Shell(shell_of(database).environment | urls | others)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "backup.dump"
    path.write_bytes(predeploy.CUSTOM_FORMAT + b"...")
    return path


def replace_backup(backup: Path, content: bytes | None, age: timedelta) -> None:
    """Give the backup another content and age, or delete it."""
    if content is None:
        backup.unlink()
        return
    backup.write_bytes(content)
    old = backup.stat().st_mtime - age.total_seconds()
    os.utime(backup, (old, old))


def failures(printed: str) -> dict[str, str]:
    """Return the words of each failed check, by the name of the check."""
    lines = [line.split(maxsplit=2) for line in printed.splitlines()]
    assert {line[0] for line in lines[:-1]} <= {"PASS", "FAIL"}
    return {name: words for state, name, words in lines[:-1] if state == "FAIL"}


def test_the_known_revisions_are_those_of_alembic() -> None:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    assert predeploy.known_revisions() == [each.revision for each in scripts.walk_revisions()]


async def test_a_release_may_begin(shell: Shell, backup: Path) -> None:
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert (ran.status, failures(ran.out)) == (0, {}), ran.said
    for setting, role in ROLES.items():
        assert f"PASS  {setting:<22}  {role} connects to PostgreSQL 18" in ran.out
    assert f"PASS  schema                  revision {HEAD}, as this release needs it" in ran.out
    assert "running: deposits, refunds" in ran.out
    assert ran.out.splitlines()[-1] == "All 11 checks passed: the release may begin."


async def test_the_settings_of_a_running_sandbox_are_found(
    shell: Shell, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shell.environment | {"ENVIRONMENT": "development"}
    for name in (*found, env_file.VARIABLE):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(env_file, "BESIDE_PRODUCT", tmp_path / ".env")
    (tmp_path / ".local").mkdir()
    (tmp_path / running_sandbox.WORLD_FILE).write_text(json.dumps({"settings": found}))
    ran = await Shell({}).adtech("predeploy", "--backup", backup)
    assert ran.status == 1, ran.said
    assert failures(ran.out) == {"settings": "ENVIRONMENT is development: set it to production"}


async def test_a_stopped_switch_is_listed_and_fails_nothing(
    database: Database, shell: Shell, backup: Path
) -> None:
    await database.as_owner(
        "UPDATE kill_switches SET enabled = false, reason = 'a reason' WHERE key = 'payouts'"
    )
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 0
    assert "STOPPED: payouts (a reason)" in ran.out


async def test_the_migrations_since_the_release_before_may_be_missing(
    database: Database, shell: Shell, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predeploy, "PREVIOUS_REVISION", THREE_BEFORE)
    await database.as_owner("UPDATE alembic_version SET version_num = $1", THREE_BEFORE)
    await database.as_owner(BEAT, "bot")
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 0, ran.said
    assert f"revision {THREE_BEFORE}, 3 behind {HEAD}: migrate next" in ran.out


async def test_an_older_schema_needs_that_no_old_process_runs(
    database: Database, shell: Shell, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predeploy, "PREVIOUS_REVISION", BEFORE)
    await database.as_owner("UPDATE alembic_version SET version_num = $1", THREE_BEFORE)
    await database.as_owner(BEAT, "bot")
    await database.as_owner(BEAT, "scheduler")
    refused = await shell.adtech("predeploy", "--backup", backup)
    assert (refused.status, set(failures(refused.out))) == (1, {"schema"})
    assert f"older than {BEFORE}" in failures(refused.out)["schema"]
    assert "old processes run (1 bot, 1 scheduler)" in failures(refused.out)["schema"]
    await database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '1 minute'")
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 0, ran.said
    assert "3 behind" in ran.out
    assert "only the backup leads back" in ran.out


async def test_an_unknown_schema_fails(database: Database, shell: Shell, backup: Path) -> None:
    await database.as_owner("UPDATE alembic_version SET version_num = '9999'")
    refused = await shell.adtech("predeploy", "--backup", backup)
    assert "does not know revision 9999" in failures(refused.out)["schema"]
    await database.as_owner("DELETE FROM alembic_version")
    refused = await shell.adtech("predeploy", "--backup", backup)
    assert "does not know revision none" in failures(refused.out)["schema"]


@pytest.fixture
async def empty(server: embedded.Postgres, shell: Shell) -> AsyncIterator[Shell]:
    """Yield a runner of `adtech` that has all settings of a release, and a new database."""
    name = f"first_{uuid4().hex}"
    await clone_database(server, "template0", name)
    yield Shell(shell.environment | {key: server.dsn(role, name) for key, role in ROLES.items()})
    await drop_database(server, name)


async def test_the_first_release_begins_without_tables_and_backup(empty: Shell) -> None:
    ran = await empty.adtech("predeploy")
    assert ran.status == 0, ran.said
    assert "PASS  schema                  the database has no tables: the first release" in ran.out
    assert ran.out.splitlines()[-1] == "All 7 checks passed: the release may begin."
    ran = await Shell(empty.environment | {"SUPPORT_CONTACT": ""}).adtech("predeploy")
    assert (ran.status, failures(ran.out)) == (1, {"settings": "set SUPPORT_CONTACT"})


async def test_an_old_schema_is_judged_by_the_last_check_of_the_old_release(
    database: Database, shell: Shell, backup: Path
) -> None:
    await database.as_owner("UPDATE alembic_version SET version_num = $1", BEFORE)
    await database.as_owner("ALTER TABLE complaints RENAME TO of_a_later_release")
    refused = failures((await shell.adtech("predeploy", "--backup", backup)).out)
    assert "the old release has not checked it lately" in refused["ledger"]
    for violations, age, passes in ((1, 1, False), (0, 300, False), (0, 2, True)):
        await database.as_owner(CHECKED, violations, age)
        ran = await shell.adtech("predeploy", "--backup", backup)
        assert ("ledger" not in failures(ran.out)) == passes, ran.said
    assert "the old release found no violation 2 minutes ago" in ran.out
    await database.as_owner("ALTER TABLE of_a_later_release RENAME TO complaints")


async def test_a_release_in_a_used_database_needs_a_backup(shell: Shell) -> None:
    ran = await shell.adtech("predeploy")
    assert (ran.status, failures(ran.out)) == (
        1,
        {"backup": "make a backup, and give its file with --backup"},
    )


@pytest.mark.parametrize(
    ("content", "age", "words"),
    [
        (None, timedelta(), "cannot be read: No such file or directory"),
        (b"", timedelta(), "is empty"),
        (b"CREATE TABLE", timedelta(), "is no backup of pg_dump --format=custom"),
        (predeploy.CUSTOM_FORMAT, timedelta(hours=3), "3.0 hours old: make a new backup"),
    ],
)
async def test_a_backup_that_is_not_fresh_fails(
    shell: Shell, backup: Path, content: bytes | None, age: timedelta, words: str
) -> None:
    replace_backup(backup, content, age)
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 1
    assert set(failures(ran.out)) == {"backup"}
    assert words in failures(ran.out)["backup"]
    assert ran.out.splitlines()[-1] == "1 of 11 checks failed: do not begin the release."


async def test_a_backup_of_the_product_is_recognised(
    database: Database, shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "real.dump"
    options = ("--format=custom", f"--file={path}", database.owner_url)
    dump = await asyncio.create_subprocess_exec(
        binaries.postgres("pg_dump"), *options, env={"PATH": os.defpath}
    )
    assert await dump.wait() == 0
    ran = await shell.adtech("predeploy", "--backup", path)
    assert ran.status == 0, ran.said


async def test_missing_settings_and_a_wrong_password_are_named(
    shell: Shell, backup: Path, server: embedded.Postgres
) -> None:
    wrong = shell.environment["CLOCK_DATABASE_URL"].replace(server.passwords[logins.CLOCK], "x")
    changed = {"CLOCK_DATABASE_URL": wrong, "REPORTS_DATABASE_URL": "", "SUPPORT_CONTACT": ""}
    ran = await Shell(shell.environment | changed).adtech("predeploy", "--backup", backup)
    found = failures(ran.out)
    assert ran.status == 1
    assert set(found) == {"settings", "CLOCK_DATABASE_URL", "ledger"}
    assert found["settings"] == "set REPORTS_DATABASE_URL, SUPPORT_CONTACT"
    assert "password authentication failed" in found["CLOCK_DATABASE_URL"]
    sandbox = Shell(shell.environment | {"ENVIRONMENT": "staging"})
    ran = await sandbox.adtech("predeploy", "--backup", backup)
    assert "ENVIRONMENT is staging" in failures(ran.out)["settings"]


async def test_a_missing_switch_fails(database: Database, shell: Shell, backup: Path) -> None:
    await breakage.run_unguarded(database, "DELETE FROM kill_switches WHERE key = 'refunds'")
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 1
    assert "no row of refunds" in failures(ran.out)["switches"]


async def test_a_violated_rule_fails_and_stops_the_money(
    chained_database: Database, server: embedded.Postgres, backup: Path
) -> None:
    name = str(make_url(chained_database.url).database)
    urls = {setting: server.dsn(role, name) for setting, role in ROLES.items()}
    shell = Shell(shell_of(chained_database).environment | urls)
    await breakage.run_unguarded(
        chained_database, "UPDATE wallets SET balance = balance + 1 WHERE kind = 'user'"
    )
    ran = await shell.adtech("predeploy", "--backup", backup)
    assert ran.status == 1
    assert "violated: " in failures(ran.out)["ledger"]
    again = failures((await shell.adtech("predeploy", "--backup", backup)).out)
    assert "(ledger_violation); end them first" in again["incidents"]
