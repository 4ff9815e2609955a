"""Test `adtech stop all`, also as a program that has no setting but DATABASE_URL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.cli import __main__ as program
from bot.cli import stop_all as command
from bot.screens import stop as stop_screens
from bot.texts import Texts
from db import address
from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded, logins
from services.platform import killswitches, users
from tests.bot import test_stop_path
from tests.bot.cli.test_app import ENDED, FIRST_STOP, timed
from tests.conftest import ROOT, Database
from tests.factories import breakage, open_transactions, people, rows
from tests.shell import Shell

STOP = ("stop", "all", "odd sums", "--as")


@pytest.fixture
async def operator(database: Database) -> int:
    """Create an operator, and return the person's Telegram id."""
    return await _telegram_id(database, Role.OPERATOR)


async def _telegram_id(database: Database, role: Role) -> int:
    async with database.sessions.begin() as session:
        actor = await people.staff(session, role)
        return (await users.get(session, actor.user_id or 0)).telegram_id


@pytest.fixture
def shell(server: embedded.Postgres, database: Database) -> Shell:
    """Return a shell whose only setting is the bot's login to the database."""
    name = str(make_url(database.url).database)
    return Shell({"DATABASE_URL": server.dsn(logins.BOT, name)})


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the tables' owner with an open transaction."""
    async with open_transactions.opened(database.owner_url) as connection:
        yield connection


async def _running(database: Database) -> list[str]:
    connection = await asyncpg.connect(database.owner_url)
    try:
        return [row["key"] for row in await connection.fetch("SELECT key FROM running_switches")]
    finally:
        await connection.close()


async def test_everything_is_stopped_and_the_answer_says_what_was_stopped_before(
    database: Database, shell: Shell, operator: int
) -> None:
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
        await people.approved(session)
        await people.claimed(session)
    ran = await shell.adtech(*STOP, operator)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "Everything is STOPPED. Nothing new moves money, and no ad is posted."
    now = ", ".join(sorted(key for key in Switch if key is not Switch.REFUNDS))
    assert lines[1] == f"Stopped now: {now}"
    assert lines[2].startswith("Stopped before: refunds, since ")
    assert "by the system" in lines[2]
    assert lines[3] == "1 post was under way; every result is recorded."
    assert "one by one" in lines[4]
    assert await _running(database) == []
    again = await shell.adtech("stop", "all", "--as", operator)
    assert again.out.startswith("Everything was STOPPED already.")
    assert again.out.count(f"by {operator} (odd sums)") == len(Switch) - 1
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")


async def test_the_reason_may_be_missing(database: Database, shell: Shell, operator: int) -> None:
    ran = await shell.adtech("stop", "all", "--as", operator)
    assert ran.status == 0
    assert command.NO_REASON == killswitches.NO_REASON
    async with database.sessions.begin() as session:
        reasons = await rows.table(session, "SELECT DISTINCT reason FROM kill_switches")
    assert reasons == [(killswitches.NO_REASON,)]
    again = await shell.adtech("stop", "all", "--as", operator)
    assert "(no reason given)" in again.out


async def test_others_are_told_that_nothing_was_stopped(database: Database, shell: Shell) -> None:
    admin = await _telegram_id(database, Role.ADMIN)
    for who, said in ((admin, "neither operator nor super admin"), (1, "does not know")):
        ran = await shell.adtech(*STOP, who)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith("NOT stopped: ")
        assert said in ran.err
    assert len(await _running(database)) == len(Switch)
    async with database.sessions.begin() as session:
        refused = "SELECT role FROM user_audit_logs WHERE action = 'access_denied'"
        assert await rows.table(session, refused) == [("admin",)]


async def test_a_blocked_operator_stops_nothing(
    database: Database, shell: Shell, operator: int
) -> None:
    await database.as_owner("ALTER TABLE users DISABLE TRIGGER USER")
    await database.as_owner("UPDATE users SET blocked = true WHERE telegram_id = $1", operator)
    await database.as_owner("ALTER TABLE users ENABLE TRIGGER USER")
    ran = await shell.adtech(*STOP, operator)
    assert (ran.status, len(await _running(database))) == (1, len(Switch))
    assert "neither operator nor super admin" in ran.err


@pytest.mark.parametrize("hold", ENDED)
async def test_a_session_that_holds_the_stop_up_is_ended(
    database: Database, shell: Shell, operator: int, owner: asyncpg.Connection, hold: str
) -> None:
    _, usual = await timed(shell, *FIRST_STOP, operator)
    await owner.execute(ENDED[hold])
    ran, seconds = await timed(shell, *STOP, operator)
    assert seconds - usual < test_stop_path.LIMIT
    assert (ran.status, ran.err) == (0, "")
    assert await _running(database) == []
    if hold in test_stop_path.NAMED:
        assert f"Ended a session that held the stop up: login {embedded.OWNER}" in ran.out
    with pytest.raises(open_transactions.ENDED):
        await owner.execute("SELECT 1")


async def test_the_command_says_that_a_superuser_holds_the_stop_up(
    server: embedded.Postgres, database: Database, shell: Shell, operator: int
) -> None:
    name = str(make_url(database.url).database)
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    pid = superuser.get_server_pid()
    await superuser.execute("BEGIN")
    await superuser.execute(test_stop_path.NAMED["the switch's lock"])
    try:
        ran = await shell.adtech(*STOP, operator)
        assert f"SELECT pg_terminate_backend({pid});" in ran.out
        assert "still be under way, new acts are refused: payouts" in ran.out
        await superuser.execute("COMMIT; BEGIN; DELETE FROM switch_stops")
        await superuser.execute("UPDATE kill_switches SET enabled = true; COMMIT")
        await superuser.execute("BEGIN; LOCK TABLE switch_stops IN EXCLUSIVE MODE")
        stopping = asyncio.create_task(shell.adtech(*STOP, operator))
        await asyncio.sleep(command.NOTIFY_SECONDS + 1)
        assert not stopping.done()
    finally:
        await superuser.close()
    ran = await stopping
    assert (ran.status, ran.err.count("NOT stopped yet")) == (0, 1)
    assert await _running(database) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "DATABASE_URL is missing"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must be an address"),
    ],
)
async def test_a_missing_database_is_named(settings: dict[str, str], said: str) -> None:
    ran = await Shell(settings).adtech(*STOP, 7)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert f"settings: {said}" in ran.err


async def test_a_database_that_does_not_answer_is_tried_again_and_then_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "RETRY_SECONDS", 0.5)
    ran = await Shell({"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/d"}).adtech(*STOP, 7)
    assert ran.status == command.NO_DATABASE
    assert ran.err.count("NOT stopped yet") == 1
    assert "NOT stopped: the database did not answer" in ran.err


async def test_a_full_disk_is_named_and_does_not_keep_the_command_for_ever(
    database: Database, shell: Shell, operator: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RETRY_SECONDS", 0.5)
    await breakage.refuse_inserts(database, "switch_stops", "53100")
    async with asyncio.timeout(30):
        ran = await shell.adtech(*STOP, operator)
    assert ran.status == command.NO_DATABASE
    first, last = ran.err.splitlines()
    assert first == (
        "NOT stopped yet (DiskFullError). The disk of PostgreSQL is full: free space. Trying again."
    )
    assert last.startswith("NOT stopped: the disk of PostgreSQL is full. Stop the processes")
    assert len(await _running(database)) == len(Switch)


async def test_a_read_only_server_is_named_at_once(
    database: Database, shell: Shell, operator: int
) -> None:
    await breakage.refuse_inserts(database, "switch_stops", "25006")
    ran = await shell.adtech(*STOP, operator)
    assert ran.status == command.NO_DATABASE
    assert ran.err.startswith("NOT stopped: PostgreSQL is read-only. Stop the processes")


async def test_a_login_without_the_right_is_named_at_once(
    server: embedded.Postgres, database: Database, operator: int
) -> None:
    url = server.dsn(logins.REPORTS, str(make_url(database.url).database))
    ran = await Shell({"DATABASE_URL": url}).adtech(*STOP, operator)
    assert ran.status == command.NO_DATABASE
    assert ran.err.startswith("NOT stopped: the login of DATABASE_URL may not stop anything.")
    assert len(await _running(database)) == len(Switch)


async def test_a_wrong_password_is_named_at_once(
    server: embedded.Postgres, database: Database, operator: int
) -> None:
    url = make_url(server.dsn(logins.BOT, str(make_url(database.url).database)))
    for wrong in (url.set(password="wrong"), url.set(database="nowhere")):
        shown = wrong.render_as_string(hide_password=False)
        ran = await Shell({"DATABASE_URL": shown}).adtech(*STOP, operator)
        assert ran.status == command.NO_DATABASE
        assert ran.err.startswith("NOT stopped: PostgreSQL refuses the login. Correct user,")
        assert "wrong" not in ran.err


async def test_a_person_who_loses_the_role_meanwhile_is_told(
    database: Database, shell: Shell, operator: int
) -> None:
    await database.as_owner(
        "CREATE OR REPLACE FUNCTION require_operator(person_id bigint) RETURNS void"
        " LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'AD042'; END $$"
    )
    ran = await shell.adtech(*STOP, operator)
    assert (ran.status, ran.err) == (1, f"NOT stopped: {operator} has just lost the role.\n")


def test_the_program_needs_no_other_setting_and_loads_only_what_it_needs(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> None:
    ran = _program(
        ["-X", "importtime", "-m", "bot.cli", *STOP, "7"],
        tmp_path,
        DATABASE_URL=server.dsn(logins.BOT, str(make_url(database.url).database)),
        BOT_TOKEN="wrong",
        ADMIN_CHAT_ID="wrong",
        REDIS_URL="wrong",
        LOG_LEVEL="wrong",
    )
    assert ran.returncode == 1
    assert "NOT stopped: the bot does not know the person 7." in ran.stderr
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "asyncpg" in loaded
    assert not {"typer", "pydantic", "sqlalchemy", "aiogram", "redis", "structlog"} & loaded


def test_ctrl_c_says_where_to_look(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.cli", *STOP, "7"]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    environment["DATABASE_URL"] = "postgresql://u:p@127.0.0.1:1/d"
    # A run of the tests in the background ignores SIGINT, and the program would inherit this.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        signal.signal(signal.SIGINT, before)
        assert running.stderr is not None
        assert running.stderr.readline().startswith("NOT stopped yet")
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
    assert running.returncode == program.INTERRUPTED
    assert said == "Interrupted. What is stopped now: adtech killswitch list\n"


async def test_ctrl_c_at_the_moment_of_an_error_ends_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(**_options: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncpg, "connect", refuse)
    stopping = asyncio.create_task(
        command._stop(address.parse("postgresql://u:p@127.0.0.1:1/d"), 7, "")
    )
    async with asyncio.timeout(10):
        await asyncio.wait([stopping])
    assert stopping.cancelled()


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("stop", "all", "--as", "7"), (7, "")),
        (("stop", "all", "--as=7", "odd sums"), (7, "odd sums")),
        (("stop", "all", "odd sums", "--as", "7"), (7, "odd sums")),
        (("stop", "all", "odd", "sums", "--as", "7"), None),
        (("stop", "all", "--help", "--as", "7"), None),
        (("stop", "all", "odd sums", "--as"), None),
        (("stop", "all", "odd sums", "--as", "me"), None),
        (("stop", "all", "odd sums"), None),
        (("stop",), None),
        (("killswitch", "stop", "payouts", "x", "--as", "7"), None),
    ],
)
def test_only_a_plain_call_is_answered_without_typer(
    arguments: tuple[str, ...], asked: tuple[int, str] | None
) -> None:
    assert program._read_stop(arguments) == asked


def _program(
    arguments: list[str], folder: Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_shell_and_the_chat_tell_the_same_change(
    database: Database, shell: Shell, operator: int
) -> None:
    await shell.adtech(*STOP, operator)
    async with database.sessions.begin() as session:
        states = await killswitches.overview(session)
        [payload] = await rows.table(
            session, "SELECT payload FROM outbox WHERE payload ? 'keys' AND kind = 'switch_changed'"
        )
    assert sorted(payload[0]["keys"]) == sorted(Switch)
    [line] = stop_screens.state_lines(Texts("en", "USD"), states)
    assert line.startswith("🔴 STOPPED: deposits, refunds, ")
    assert f"(odd sums). By: {operator}, " in line
    assert json.dumps(payload[0]).count("odd sums") == 1
