"""Measure how fast ads are published.

Run as `python -m tests.benchmarks.posting [--channels N] [--idle N]`. Writes
build/bench-posting.json and prints a table.

The first part publishes one due post in each of 1,000 channels: with and without Telegram's limits,
with one scheduler process and with three. The second part publishes posts one by one.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from db import session as database
from db.models.operations import Switch
from db.session import Sessions
from sandbox import embedded
from tests.benchmarks import processor
from tests.chaos.environment import ROOT, Environment, run_environment, wait_until
from tests.chaos.market import Market
from tests.chaos.schedulers import ForkServerClient, Scheduler, run_fork_server
from tests.factories import people

LIMIT_PER_SECOND = 30
UNLIMITED = 1_000_000
PEOPLE = 60
ADVERTISERS = 20
LONGEST_SECONDS = 600
TELEGRAM = "tests.benchmarks.telegram"
RESULT = ROOT / "build" / "bench-posting.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Drain:
    """How fast one measurement published all due posts."""

    processes: int
    limited: bool
    posts: int
    seconds: float
    """The time from the first to the last post, in seconds."""
    per_second: float
    """The number of posts per second."""
    cap_share: float
    """The messages per second, divided by Telegram's limit of 30 per second."""
    cap_share_posts: float
    """The posts per second, divided by Telegram's limit of 30 per second."""
    refused: int
    """The number of sends that Telegram refused with the status 429."""
    cpu_ms_per_post: dict[str, float]
    """The CPU time per post of each kind of process, in milliseconds."""


class Sends:
    """A reader of the log of sends, which returns each line one time."""

    def __init__(self, path: Path) -> None:
        self._file = path.open()
        self._incomplete = ""

    def new(self) -> list[Json]:
        """Return the sends that were logged after the last call."""
        *lines, self._incomplete = (self._incomplete + self._file.read()).split("\n")
        return [json.loads(line) for line in lines]


class CpuMeter:
    """A meter of the CPU time that processes use after its creation."""

    def __init__(self, environment: Environment, schedulers: list[Scheduler]) -> None:
        self._pids = {
            "schedulers": [scheduler.pid for scheduler in schedulers],
            "postgres": [environment.postgres.child.pid],
            "valkey": [environment.valkey.child.pid],
            "telegram": [environment.telegram.child.pid],
        }
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        figures = {what: sum(map(processor.used, pids)) for what, pids in self._pids.items()}
        return figures | {"benchmark": time.process_time()}

    def ms_per_post(self, posts: int) -> dict[str, float]:
        """Return the CPU time of each kind of process, in milliseconds per post."""
        return {
            what: round((used - self._before[what]) / posts * 1000, 2)
            for what, used in self._read().items()
        }


def drain_figures(sends: list[Json], processes: int, meter: CpuMeter, *, limited: bool) -> Drain:
    """Return the figures of the published posts."""
    posts = [send["at"] for send in _posts(sends)]
    first, last = posts[0], posts[-1]
    seconds = last - first
    # The first second is left out, because the limit's window was empty at its beginning.
    counted = [send for send in sends if send["admitted"] and first + 1 < send["at"] <= last]
    allowed = LIMIT_PER_SECOND * (seconds - 1)
    return Drain(
        processes,
        limited,
        len(posts),
        round(seconds, 2),
        round((len(posts) - 1) / seconds, 1),
        round(len(counted) / allowed, 4),
        round(len(_posts(counted)) / allowed, 4),
        sum(not send["admitted"] for send in sends),
        meter.ms_per_post(len(posts)),
    )


async def drain(
    environment: Environment, fork_server: ForkServerClient, processes: int, *, limited: bool
) -> Drain:
    """Publish all due posts in a copy of the database, and return the figures.

    `processes` is the number of schedulers. If `limited` is true, Telegram's flood limits apply.
    """
    name = f"drain_{processes}_{'limited' if limited else 'unlimited'}"
    url = await environment.clone(name)
    await limit_telegram(environment, on=limited)
    engine = database.create_engine(url)
    sessions = database.create_sessions(engine)
    await set_posting(sessions, running=False)
    settings = environment.settings(
        DATABASE_URL=url, MESSAGES_PER_SECOND=str(LIMIT_PER_SECOND if limited else UNLIMITED)
    )
    schedulers = [fork_server.start(settings) for _ in range(processes)]

    async def done() -> bool:
        left = "SELECT COUNT(*) FROM post_jobs WHERE status <> 'success'"
        return bool(await environment.fetch(left, database=name) == 0)

    await wait_for_heartbeats(environment, name, processes)
    log = Sends(environment.telegram.send_log)
    log.new()
    meter = CpuMeter(environment, schedulers)
    await set_posting(sessions, running=True)
    await wait_until(done, LONGEST_SECONDS, "the backlog is not drained", interval=0.5)
    figures = drain_figures(log.new(), processes, meter, limited=limited)
    await asyncio.gather(*(fork_server.stop(scheduler, signal.SIGKILL) for scheduler in schedulers))
    await engine.dispose()
    return figures


async def wait_for_heartbeats(environment: Environment, name: str, processes: int) -> None:
    """Wait until this number of schedulers is alive."""

    async def have_heartbeats() -> bool:
        recent = "SELECT COUNT(*) FROM heartbeats WHERE beat_at > now() - interval '5 s'"
        return bool(await environment.fetch(recent, database=name) >= processes)

    await wait_until(have_heartbeats, 60, "the schedulers have no heartbeats")


async def limit_telegram(environment: Environment, *, on: bool) -> None:
    """Switch Telegram's flood limits on or off."""
    await environment.control("limits", enabled=on)


async def set_posting(sessions: Sessions, *, running: bool) -> None:
    """Allow or forbid the publication of posts."""
    async with sessions.begin() as session:
        await people.set_switch(session, Switch.WORKER_POST, enabled=running)


async def idle(
    environment: Environment, fork_server: ForkServerClient, processes: int, posts: int
) -> list[float]:
    """Publish posts one by one, and return the seconds that each waited, in ascending order."""
    name = f"idle_{processes}"
    url = await environment.clone(name)
    await limit_telegram(environment, on=True)
    await environment.fetch("DELETE FROM outbox", database=name)
    # The backlog is due in the far future, so that only the posts of this measurement are due.
    await environment.fetch("UPDATE post_jobs SET due_at = '2100-01-01'", database=name)
    schedulers = [
        fork_server.start(environment.settings(DATABASE_URL=url)) for _ in range(processes)
    ]
    await wait_for_heartbeats(environment, name, processes)
    await asyncio.sleep(1)
    log, waits = Sends(environment.telegram.send_log), []
    log.new()
    rng = random.Random(7)
    connection = await asyncpg.connect(environment.postgres.dsn(embedded.OWNER, name))
    for _ in range(posts):
        await asyncio.sleep(rng.uniform(0.05, 0.6))
        due: datetime = await connection.fetchval(
            "UPDATE post_jobs SET due_at = clock() WHERE id = "
            "(SELECT id FROM post_jobs WHERE due_at = '2100-01-01' AND status = 'queued' LIMIT 1) "
            "RETURNING due_at"
        )
        while not (new := _posts(log.new())):
            await asyncio.sleep(0.02)
        waits.append(new[0]["at"] - due.timestamp())
    await connection.close()
    await asyncio.gather(*(fork_server.stop(scheduler, signal.SIGKILL) for scheduler in schedulers))
    return sorted(waits)


def _posts(sends: list[Json]) -> list[Json]:
    return [send for send in sends if send["admitted"] and send["channel"]]


async def run(channels: int, idle_posts: int) -> Json:
    """Run all measurements, and return the figures."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - disk writes are not measured here
    with tempfile.TemporaryDirectory(
        dir=shared_memory if os.access(shared_memory, os.W_OK) else None
    ) as path:
        folder = Path(path)
        async with run_environment(
            folder, channels=channels, people=PEOPLE, server=TELEGRAM
        ) as environment:
            engine = database.create_engine(environment.settings()["DATABASE_URL"])
            market = Market(database.create_sessions(engine), environment.telegram.facts)
            begun = time.monotonic()
            await market.populate(advertisers=ADVERTISERS, ads=ADVERTISERS)
            await market.fill(channels, promised_hours=24)
            await engine.dispose()
            show(f"{channels} posts queued in {time.monotonic() - begun:.0f} s")
            async with run_fork_server(folder) as fork_server:
                drains = []
                for limited in (False, True):
                    for processes in (1, 3):
                        drains.append(
                            await drain(environment, fork_server, processes, limited=limited)
                        )
                        show(row(drains[-1]))
                waits = {n: await idle(environment, fork_server, n, idle_posts) for n in (1, 3)}
    return summary(drains, waits)


def summary(drains: list[Drain], waits: dict[int, list[float]]) -> Json:
    """Return the figures of the whole benchmark.

    `waits` maps a number of scheduler processes to the waiting times in seconds.
    """
    limited = [drain for drain in drains if drain.limited]
    unlimited = [drain for drain in drains if not drain.limited]
    return {
        "cap_share": min(drain.cap_share for drain in limited),
        "too_many_requests": sum(drain.refused for drain in limited),
        "posts_per_s_unlimited": max(drain.per_second for drain in unlimited),
        "due_to_published_p50_ms": max(round(quantile(w, 50) * 1000) for w in waits.values()),
        "due_to_published_p95_ms": max(round(quantile(w, 95) * 1000) for w in waits.values()),
        "drains": [vars(drain) for drain in drains],
        "idle": {
            str(processes): {
                "posts": len(figures),
                "p50_ms": round(quantile(figures, 50) * 1000),
                "p95_ms": round(quantile(figures, 95) * 1000),
            }
            for processes, figures in waits.items()
        },
    }


def quantile(sorted_values: list[float], percent: int) -> float:
    """Return the value below which `percent` percent of the values lie."""
    return statistics.quantiles(sorted_values, n=100, method="inclusive")[percent - 1]


def row(figures: Drain) -> str:
    """Format figures as a line."""
    limits = "30/s kept" if figures.limited else "no limit"
    return (
        f"{limits:<10} {figures.processes} process(es) {figures.posts:>5} posts"
        f" {figures.seconds:>7.1f} s {figures.per_second:>7.1f} posts/s"
        f"  share of 30/s {figures.cap_share:>7.1%}"
        f" (posts {figures.cap_share_posts:>7.1%})  429s {figures.refused}  ms of CPU a post: "
        + ", ".join(f"{what} {ms}" for what, ms in figures.cpu_ms_per_post.items())
    )


def show(line: str) -> None:
    """Print a line immediately."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark, write the figures to a file, and print them."""
    parser = argparse.ArgumentParser(prog="make bench-posting", description=__doc__)
    parser.add_argument("--channels", type=int, default=1_000)
    parser.add_argument("--idle", type=int, default=60, help="posts that come one by one")
    options = parser.parse_args()
    figures = asyncio.run(run(options.channels, options.idle))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    for processes, times in figures["idle"].items():
        show(
            f"idle, {processes} process(es): due to published p50 {times['p50_ms']} ms, "
            f"p95 {times['p95_ms']} ms"
        )
    show(f"written to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
