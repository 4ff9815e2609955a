"""Test the general behaviour of the command `adtech`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from db.models.operations import Switch
from services.platform import killswitches
from services.platform.actors import SYSTEM
from tests.conftest import ROOT, Database
from tests.factories import people
from tests.shell import Shell, shell_of


@pytest.fixture
def shell(database: Database) -> Shell:
    return shell_of(database)


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
        (("report", "nope"), "adtech report --help"),
        (("reconcile", "99999"), "There is no wallet 99999"),
        (("killswitch", "stop", "payouts", "x", "--as", "1"), "does not know the person 1"),
    ):
        ran = await shell.adtech(*arguments)
        assert ran.status != 0, arguments
        assert said in " ".join(ran.said.split()), ran.said
