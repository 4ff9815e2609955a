"""Test that the sandbox's supervisor starts dead programs again."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.supervisor import RESTART_DELAY, Program, Supervisor, program
from sandbox.telegram.startup_errors import CannotStart

Start = Callable[[], Awaitable[Program]]
PATIENCE_SECONDS = 60
"""The longest allowed wait in a test, in seconds."""


def runs(folder: Path, source: str) -> Start:
    """Return a function that starts Python with the source text `source`."""
    return program("child", ["-c", source], {"PATH": os.defpath}, folder / "child.log")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@pytest.fixture
async def supervisor() -> Supervisor:
    return Supervisor(lambda: None)


async def test_it_starts_again_what_died(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await supervisor.run("child", runs(tmp_path, "import time; time.sleep(60)"))
    began = time.monotonic()
    os.kill(first.child.pid, signal.SIGKILL)
    await until(lambda: supervisor.pids().get("child", first.child.pid) != first.child.pid)
    assert time.monotonic() - began >= RESTART_DELAY
    assert capsys.readouterr().err == "sandbox: child ended by SIGKILL, it is started again\n"
    pid = supervisor.pids()["child"]
    await supervisor.stop("child")
    assert supervisor.pids() == {}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_paused_program_can_be_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.run("child", runs(tmp_path, "import time; time.sleep(60)"))
    await supervisor.kill("child", signal.SIGSTOP)
    assert supervisor.pids().keys() == {"child"}
    began = time.monotonic()
    await supervisor.stop("child")
    assert time.monotonic() - began < 5


async def test_killed_it_stays_down_until_it_is_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    await supervisor.run("child", runs(tmp_path, "import time; time.sleep(60)"))
    await supervisor.kill("child", signal.SIGKILL)
    assert supervisor.pids() == {}
    await asyncio.sleep(RESTART_DELAY + 0.5)
    assert supervisor.pids() == {}
    await supervisor.start("child")
    assert supervisor.pids().keys() == {"child"}
    await supervisor.start("child")  # it runs already
    await supervisor.stop("child")
    with pytest.raises(KeyError):
        await supervisor.kill("child", signal.SIGKILL)


async def test_wrong_settings_are_given_up_on_at_once(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    source = "import sys; print('settings: CURRENCY is missing'); sys.exit(2)"
    await supervisor.run("child", runs(tmp_path, source))
    expected = "child ended with status 2: settings: CURRENCY is missing"
    with pytest.raises(CannotStart, match=f"^{expected}$"):
        await asyncio.wait_for(supervisor.wait_for_failure(), RESTART_DELAY)
    await supervisor.stop("child")


async def test_what_dies_at_each_start_is_given_up_on_until_all_has_worked_once(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    await supervisor.run("child", runs(tmp_path, "raise SystemExit('no good')"))
    with pytest.raises(CannotStart, match=r"^child ended with status 1: no good$"):
        await asyncio.wait_for(supervisor.wait_for_failure(), PATIENCE_SECONDS)
    await supervisor.stop("child")
    patient = Supervisor(lambda: None)
    patient.startup_complete = True
    await patient.run("child", runs(tmp_path, "raise SystemExit('no good')"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(patient.wait_for_failure(), 4 * RESTART_DELAY)
    await patient.stop("child")


def test_a_parent_that_is_gone_already_takes_the_child_along(tmp_path: Path) -> None:
    """Check that a process ends itself if its expected parent is gone."""
    marker = tmp_path / "ran"
    child = os.fork()
    if child == 0:
        processes.die_with(os.getpid(), signal.SIGKILL)
        marker.write_text("it went on")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert not marker.exists()
