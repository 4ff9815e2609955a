"""Test that a slow command says that it still works, but only on a terminal."""

import asyncio
import os
import pty

import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli import shell
from bot.cli.tables import Output
from tests.conftest import Database
from tests.shell import shell_of

pytestmark = pytest.mark.usefixtures("restored_logging")


async def _work(_session: AsyncSession) -> int:
    await asyncio.sleep(0.2)
    return 7


async def _run(database: Database, monkeypatch: pytest.MonkeyPatch, console: Output) -> int:
    monkeypatch.setattr(shell, "PROGRESS_SECONDS", 0.01)
    monkeypatch.setattr(shell, "err", console)
    for name, value in shell_of(database).environment.items():
        monkeypatch.setenv(name, value)
    return await asyncio.to_thread(shell.run_once, _work)


async def test_a_person_sees_that_a_long_command_still_works(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        assert await _run(database, monkeypatch, Output(terminal)) == 7
        terminal.write("the end")
        terminal.flush()
        assert "Still working" in os.read(reader, 10_000).decode()
    os.close(reader)


@pytest.mark.parametrize("level", ["", "INFO"])
async def test_a_terminal_shows_the_log_only_if_it_is_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    reader, writer = pty.openpty()
    monkeypatch.setenv("LOG_LEVEL", level)

    async def log(_session: AsyncSession) -> None:
        structlog.get_logger("a.test").info("Ledger check started")

    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(shell, "err", Output(terminal))
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setattr("sys.stdout", terminal)
        for name, value in shell_of(database).environment.items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(shell.run_once, log)
        terminal.write("the end")
        terminal.flush()
        assert ("check started" in os.read(reader, 10_000).decode()) is bool(level)
    os.close(reader)


async def test_a_file_gets_no_signs_of_progress(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes a file for a terminal then
    assert await _run(database, monkeypatch, Output(stderr=True)) == 7
    assert capsys.readouterr() == ("", "")
