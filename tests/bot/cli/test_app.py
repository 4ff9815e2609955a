"""Test that `adtech` lists dead letters, and that its error line says which setting is missing.

A dead letter is a post job that failed for good.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
