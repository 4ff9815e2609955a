"""Test the general behaviour of the command `adtech`."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from bot import switches
from bot.cli.__main__ import INTERRUPTED
from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded
from services.platform import killswitches, users
from services.platform.actors import SYSTEM
from tests.bot import test_stop_path
from tests.conftest import ROOT, Database
from tests.factories import open_transactions, people
from tests.shell import Answer, Shell

STOP = ("killswitch", "stop", "payouts", "a test", "--as")
FIRST_STOP = ("killswitch", "stop", "adjustments", "a test", "--as")
ENDED = {
    hold: statement
    for hold, statement in (test_stop_path.ENDED | test_stop_path.NAMED).items()
    if "inbox" not in statement and "moved_chats" not in statement
}
"""The locks of `test_stop_path.py`, except for locks of tables about the admin chat."""


INTERRUPTED_LOAD = """
import gc, os, signal, sys
from bot.cli.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["adtech", "--help"]
gc.callbacks.append(lambda *_: os.kill(os.getpid(), signal.SIGINT))
main()
"""


async def test_dlq_shows_dead_letters_with_their_errors(database: Database, shell: Shell) -> None:
    ran = await shell.adtech("dlq")
    assert (ran.status, "No rows" in ran.said) == (0, True)
    async with database.sessions.begin() as session:
        made = await people.failed(session)
    ran = await shell.adtech("dlq")
    assert ran.status == 0
    assert "Bad Request: chat not found" in ran.said
    assert str(made.target.id) in ran.said
    assert "held" in ran.said


def test_the_program_names_a_missing_setting(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bot.cli", "health"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "BOT_TOKEN": "1:secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "DATABASE_URL" in ended.stderr


async def test_health_uses_the_words_of_the_switches(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        await killswitches.set(
            session, actor=SYSTEM, key=Switch.PAYOUTS, enabled=False, reason="test"
        )
    ran = await shell.adtech("health")
    assert "STOPPED" in ran.said
    assert "abled" not in ran.said


async def test_wrong_arguments_are_answered_with_what_to_do(shell: Shell) -> None:
    for arguments, said in (
        (("dlq", "--limit", "-5"), "greater than or equal to 1"),
        (("report", "nope"), "Choose one of: ledger"),
        (("reconcile", "99999"), "There is no wallet 99999"),
        (("killswitch", "stop", "payouts", "x", "--as", "1"), "does not know the person 1"),
        (("killswitch", "stop", "payout", "x", "--as", "1"), "there is no such switch. Known:"),
        (("killswitch", "run", "all", "x", "--as", "1"), "each switch is run again separately"),
        (("grant-role", "5", "boss", "x", "--as", "1"), "no role 'boss'. Known: admin, operator"),
    ):
        ran = await shell.adtech(*arguments)
        assert ran.status != 0, arguments
        assert said in " ".join(ran.said.split()), ran.said


def test_an_interrupt_while_the_program_loads_leaves_no_traceback() -> None:
    """Press Ctrl-C in a callback of the garbage collector, where Python ignores exceptions."""
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_LOAD],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (INTERRUPTED, "", "Interrupted.\n")


@pytest.fixture
async def operator(database: Database) -> int:
    """Create an operator, and return the person's Telegram id."""
    async with database.sessions.begin() as session:
        actor = await people.staff(session, Role.OPERATOR)
        user_id = actor.user_id or 0
        return (await users.get(session, user_id)).telegram_id


@pytest.fixture
async def hung(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the database owner's role, in a transaction that never ends."""
    async with open_transactions.opened(database.owner_url) as connection:
        yield connection


async def _running(database: Database) -> bool:
    connection = await asyncpg.connect(database.owner_url)
    try:
        return bool(await connection.fetchval(test_stop_path.IS_RUNNING))
    finally:
        await connection.close()


async def timed(shell: Shell, *arguments: object) -> tuple[Answer, float]:
    """Run a command, and return its answer and its time in seconds."""
    began = time.monotonic()
    return await shell.adtech(*arguments), time.monotonic() - began


@pytest.mark.parametrize("hold", ENDED)
async def test_a_session_that_locks_a_table_is_ended_for_a_stop_from_the_shell(
    database: Database, shell: Shell, operator: int, hung: asyncpg.Connection, hold: str
) -> None:
    _, usual = await timed(shell, *FIRST_STOP, operator)
    await hung.execute(ENDED[hold])
    ran, seconds = await timed(shell, *STOP, operator)
    assert seconds - usual < test_stop_path.LIMIT
    said, *more = ran.out.splitlines()
    assert (ran.status, said) == (0, "payouts: STOPPED")
    assert all("was ended: login adtech_owner" in line for line in more)
    assert len(more) == (1 if hold in test_stop_path.NAMED else 0)
    assert not await _running(database)
    with pytest.raises(open_transactions.ENDED):
        await hung.execute("SELECT 1")


async def test_the_shell_says_that_a_superuser_holds_a_stop_up(
    server: embedded.Postgres, database: Database, shell: Shell, operator: int
) -> None:
    """Check a lock that the command cannot end, and that outlasts the time limit of its login."""
    name = str(make_url(database.url).database)
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    await superuser.execute(
        f"""ALTER ROLE {embedded.APP} IN DATABASE "{name}" SET lock_timeout = '1s'"""
    )
    await superuser.execute("BEGIN; LOCK TABLE switch_stops IN EXCLUSIVE MODE")
    try:
        stopping = asyncio.create_task(shell.adtech(*STOP, operator))
        await asyncio.sleep(switches.NOTIFY_SECONDS + 2)
        assert not stopping.done()
        assert await superuser.fetchval(test_stop_path.IS_RUNNING)
    finally:
        await superuser.close()
    ran = await stopping
    assert (ran.status, ran.out) == (0, "payouts: STOPPED\n")
    assert ran.err.count("NOT stopped yet") == 1
    assert not await _running(database)
