"""Test the part of the scheduler that runs periodic functions."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import pytest
from asyncpg import DiskFullError
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot import outages
from scheduler import clock
from scheduler.clock import Clock, Tick


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the times of the clock."""
    monkeypatch.setattr(clock, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(clock, "MAX_BEAT_SECONDS", 0.1)
    monkeypatch.setattr(clock, "BEAT_LIMIT_SECONDS", 0.2)
    monkeypatch.setattr(clock, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.3)
    monkeypatch.setattr(outages, "_last_lines", {})


async def beat() -> None:
    """Replace the heartbeat in these tests."""


class Counter:
    """A periodic function that counts its runs."""

    def __init__(self, then: Callable[[], Awaitable[None]] | None = None) -> None:
        self.times = 0
        self._then = then

    async def __call__(self) -> None:
        """Count a run, and call the other function if there is one."""
        self.times += 1
        if self._then is not None:
            await self._then()


async def run_for(seconds: float, *ticks: Tick, heart: Callable[[], Awaitable[None]] = beat) -> int:
    """Run a clock for `seconds`, and return its exit status."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stopping.set)
    return await Clock(list(ticks), heart, stopping, set()).run()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true. Raises TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def database_is_away() -> bool:
    """Return what the metric says about the database."""
    return REGISTRY.get_sample_value("adtech_database_away") == 1


async def test_a_tick_that_raises_is_logged_and_fires_again() -> None:
    async def fail() -> None:
        raise RuntimeError("broken")

    bad, good = Counter(fail), Counter()
    with capture_logs() as logs:
        status = await run_for(0.5, Tick("bad", 0.05, 1, bad), Tick("good", 0.05, 1, good))
    assert status == 0
    assert bad.times > 3
    assert good.times > 3
    errors = [entry for entry in logs if entry["event"] == "Worker error"]
    assert len(errors) == bad.times
    assert errors[0]["tick"] == "bad"


async def test_a_tick_never_runs_twice_at_once() -> None:
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1

    await run_for(0.7, Tick("slow", 0.05, 5, work))
    assert most == 1


async def test_runs_that_were_missed_are_not_made_up_for() -> None:
    """Check that a slow run of a tick causes no extra runs later."""
    began: list[float] = []

    async def work() -> None:
        began.append(time.monotonic())
        await asyncio.sleep(0.25 if len(began) == 1 else 0)

    await run_for(0.75, Tick("slow", 0.1, 5, work))
    gaps = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert 0.25 < gaps[0] < 0.4
    assert all(gap > 0.05 for gap in gaps[1:])
    assert 3 <= len(began) <= 6


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_step_of_the_machines_time_delays_no_tick(hours: int) -> None:
    program = f"""
import asyncio, datetime, time
real, step = time.time, 0
class Stepped(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
time.time = lambda: real() + step
datetime.datetime = Stepped
from scheduler import clock
runs = 0
async def beat(): pass
async def work():
    global runs
    runs += 1
async def main():
    global step
    stopping = asyncio.Event()
    tick = clock.Tick("work", 0.1, 5, work)
    running = asyncio.create_task(clock.Clock([tick], beat, stopping, set()).run())
    await asyncio.sleep(1)
    before, step = runs, {hours} * 3600
    await asyncio.sleep(1)
    stopping.set()
    await running
    print(before, runs - before)
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True
    )
    before, after = map(int, ended.stdout.split())
    assert before > 0, ended
    assert 0 < after < 20, ended


async def test_a_tick_that_hangs_ends_the_process_with_a_log_line() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    begun = time.monotonic()
    with capture_logs() as logs:
        assert await run_for(30, Tick("hanging", 0.05, 0.2, hang)) == 1
    assert time.monotonic() - begun < 5
    assert "tick hanging hung" in next(e["why"] for e in logs if e["log_level"] == "critical")


async def test_a_tick_that_no_longer_fires_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "MISSED_START_SECONDS", 0.1)
    running = Clock([Tick("work", 0.05, 0.1, Counter())], beat, asyncio.Event(), set())
    asyncio.get_running_loop().call_later(0.2, lambda: running._repeating.pop("work").cancel())
    with capture_logs() as logs:
        assert await asyncio.wait_for(running.run(), 10) == 1
    assert "no longer fires" in next(e["why"] for e in logs if e["log_level"] == "critical")


async def test_the_clock_waits_while_the_database_is_away() -> None:
    away = True

    async def heart() -> None:
        if away:
            raise ConnectionRefusedError

    counter = Counter()
    stopping = asyncio.Event()
    running = asyncio.create_task(
        Clock([Tick("work", 0.05, 1, counter)], heart, stopping, set()).run()
    )
    with capture_logs() as logs:
        await asyncio.sleep(0.6)
        while_away = counter.times
        assert database_is_away()
        away = False
        await until(lambda: logs[-1]["event"] == "The database is back")
        assert not database_is_away()
        await until(lambda: counter.times > while_away + 3)
        stopping.set()
        assert await running == 0
    assert while_away <= 1
    events = [entry["event"] for entry in logs]
    assert events.count("The database is away: waiting for it") == 1
    assert events.count("The database is back") == 1
    assert "Worker error" not in events


async def test_an_outage_in_which_heartbeats_succeed_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "LONG_SECONDS", 0.1)
    full = True

    async def write() -> None:
        if full:
            raise DiskFullError("could not extend file")

    counter = Counter(write)
    stopping = asyncio.Event()
    running = asyncio.create_task(
        Clock([Tick("work", 0.05, 1, counter)], beat, stopping, set()).run()
    )
    with capture_logs() as logs:
        await until(lambda: counter.times > 3 and database_is_away())
        assert set(outages.long_outages_of_database()) == {"database_outage_disk_full"}
        full = False
        await until(lambda: logs[-1]["event"] == "The database is back")
        assert not database_is_away()
        assert outages.long_outages_of_database() == {}
        stopping.set()
        assert await running == 0
    assert [entry["event"] for entry in logs] == [
        "The database is away: waiting for it",
        "The database is back",
    ]


async def test_a_tick_that_finds_the_database_away_pauses_all_ticks() -> None:
    async def lose() -> None:
        raise ConnectionResetError

    with capture_logs() as logs:
        assert await run_for(0.3, Tick("work", 0.05, 1, lose)) == 0
    assert "Worker error" not in [entry["event"] for entry in logs]


async def test_a_heartbeat_that_is_refused_for_long_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "HEARTBEAT_REFUSED_SECONDS", 0.2)

    async def refused() -> None:
        raise RuntimeError("permission denied")

    assert await run_for(30, heart=refused) == 1


async def test_a_stop_waits_for_running_ticks() -> None:
    ended: list[bool] = []

    async def work() -> None:
        await asyncio.sleep(0.4)
        ended.append(True)

    assert await run_for(0.2, Tick("work", 0.05, 5, work)) == 0
    assert ended == [True]


async def test_a_stop_waits_for_work_that_outlives_its_tick() -> None:
    ended: list[bool] = []

    async def work() -> None:
        await asyncio.sleep(0.3)
        ended.append(True)

    stopping = asyncio.Event()
    stopping.set()
    assert await Clock([], beat, stopping, {asyncio.create_task(work())}).run() == 0
    assert ended == [True]


async def test_a_stop_does_not_wait_for_ever() -> None:
    recorded: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            recorded.append("cancelled")
            raise

    begun = time.monotonic()
    assert await run_for(0.2, Tick("work", 0.05, 100, work)) == 0
    assert time.monotonic() - begun < 3
    assert recorded == ["cancelled"]


def test_an_event_loop_that_hangs_ends_the_process() -> None:
    program = """
import asyncio, time
from scheduler import clock
clock.LOOP_CHECK_SECONDS = clock.BEAT_SECONDS = 0.1
async def beat(): pass
async def block(): time.sleep(60)
tick = clock.Tick("block", 0.1, 5, block)
asyncio.run(clock.Clock([tick], beat, asyncio.Event(), set()).run())
"""
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 1
    assert "its event loop hangs" in ended.stderr
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(("seconds", "status"), [(0.6, 0), (60.0, 1)])
def test_a_slow_heartbeat_is_no_loop_that_hangs(seconds: float, status: int) -> None:
    program = f"""
import asyncio, os
from scheduler import clock
clock.LOOP_CHECK_SECONDS = clock.BEAT_SECONDS = clock.BEAT_LIMIT_SECONDS = 0.05
async def beat():
    slow = asyncio.create_task(asyncio.sleep({seconds}))
    while not slow.done():
        try:
            await asyncio.shield(slow)
        except asyncio.CancelledError:
            pass
async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(3, stopping.set)
    os._exit(await clock.Clock([], beat, stopping, set()).run())
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == status, ended.stderr
    assert ("its heartbeat hangs" in ended.stderr) == (status == 1)
    assert "its event loop hangs" not in ended.stderr
