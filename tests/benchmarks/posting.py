"""How fast ads get out: `python -m tests.benchmarks.posting [--channels N] [--idle N]`.

A backlog of one post for each of 1,000 channels is drained under Telegram's real limits and with
the limits lifted, by one scheduler process and by three; then posts come one by one to schedulers
that have nothing to do. Telegram is a process of its own that keeps the flood limits and costs as
little as may be (`tests.benchmarks.telegram`), since everything here shares the processors: what
each part used of them stands beside the figures. Writes build/bench-posting.json, prints a table.
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
from services.platform import killswitches
from services.platform.actors import SYSTEM
from tests.benchmarks import processor
from tests.chaos.environment import ROOT, Stage, stage, until
from tests.chaos.market import Market
from tests.chaos.workers import Nursery, Worker, nursery

CAP = 30
LIFTED = 1_000_000
PEOPLE = 60
ADVERTISERS = 20
PATIENCE_SECONDS = 600
TELEGRAM = "tests.benchmarks.telegram"
RESULT = ROOT / "build" / "bench-posting.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Drain:
    """One backlog, drained."""

    processes: int
    capped: bool
    posts: int
    seconds: float
    """From the first to the last post."""
    per_second: float
    """Posts."""
    cap_share: float
    """Of the 30 messages a second that Telegram allows a bot, how many went, notices included."""
    cap_share_posts: float
    """The same, posts alone."""
    refused: int
    """429s."""
    cpu_ms_per_post: dict[str, float]
    """By the schedulers, PostgreSQL, Valkey, Telegram, and the benchmark that watches them."""


class Sends:
    """The sends that Telegram notes, each read once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open()
        self._torn = ""

    def new(self) -> list[Json]:
        """What has come since the last look."""
        *lines, self._torn = (self._torn + self._file.read()).split("\n")
        return [json.loads(line) for line in lines]


class Meter:
    """What each process of a drain uses of the processor from now on."""

    def __init__(self, scene: Stage, workers: list[Worker]) -> None:
        self._pids = {
            "schedulers": [worker.pid for worker in workers],
            "postgres": [scene.postgres.child.pid],
            "valkey": [scene.valkey.child.pid],
            "telegram": [scene.telegram.child.pid],
        }
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        found = {what: sum(map(processor.used, pids)) for what, pids in self._pids.items()}
        return found | {"benchmark": time.process_time()}

    def ms_per_post(self, posts: int) -> dict[str, float]:
        """Milliseconds since the start for each of so many posts."""
        return {
            what: round((used - self._before[what]) / posts * 1000, 2)
            for what, used in self._read().items()
        }


def measured(sends: list[Json], processes: int, meter: Meter, *, capped: bool) -> Drain:
    """What the sends of one drain amount to."""
    posts = [send["at"] for send in _posts(sends)]
    first, last = posts[0], posts[-1]
    seconds = last - first
    # The first second is left out: its window was empty.
    going = [send for send in sends if send["admitted"] and first + 1 < send["at"] <= last]
    room = CAP * (seconds - 1)
    return Drain(
        processes,
        capped,
        len(posts),
        round(seconds, 2),
        round((len(posts) - 1) / seconds, 1),
        round(len(going) / room, 4),
        round(len(_posts(going)) / room, 4),
        sum(not send["admitted"] for send in sends),
        meter.ms_per_post(len(posts)),
    )


async def drain(scene: Stage, young: Nursery, processes: int, *, capped: bool) -> Drain:
    """Drain a fresh copy of the backlog."""
    name = f"drain_{processes}_{'capped' if capped else 'lifted'}"
    url = await scene.clone(name)
    await limit_telegram(scene, on=capped)
    engine = database.create_engine(url)
    sessions = database.create_sessions(engine)
    await set_posting(sessions, running=False)
    settings = scene.settings(DATABASE_URL=url, MESSAGES_PER_SECOND=str(CAP if capped else LIFTED))
    workers = [young.start(settings) for _ in range(processes)]

    async def done() -> bool:
        left = "SELECT COUNT(*) FROM post_jobs WHERE status <> 'success'"
        return bool(await scene.fetch(left, database=name) == 0)

    await until_beating(scene, name, processes)
    log = Sends(scene.telegram.send_log)
    log.new()
    meter = Meter(scene, workers)
    await set_posting(sessions, running=True)
    await until(done, PATIENCE_SECONDS, "the backlog is not drained", every=0.5)
    found = measured(log.new(), processes, meter, capped=capped)
    await asyncio.gather(*(young.stop(worker, signal.SIGKILL) for worker in workers))
    await engine.dispose()
    return found


async def until_beating(scene: Stage, name: str, processes: int) -> None:
    """Wait until so many schedulers live."""

    async def beating() -> bool:
        beats = "SELECT COUNT(*) FROM heartbeats WHERE beat_at > now() - interval '5 s'"
        return bool(await scene.fetch(beats, database=name) >= processes)

    await until(beating, 60, "the schedulers do not beat")


async def limit_telegram(scene: Stage, *, on: bool) -> None:
    """Let Telegram keep its flood limits, or not."""
    await scene.control("limits", enabled=on)


async def set_posting(sessions: Sessions, *, running: bool) -> None:
    """Hold the posts until everybody is ready."""
    async with sessions.begin() as session:
        await killswitches.set(
            session, actor=SYSTEM, key=Switch.WORKER_POST, enabled=running, reason="benchmark"
        )


async def idle(scene: Stage, young: Nursery, processes: int, posts: int) -> list[float]:
    """Seconds from due to published of posts that come one by one, sorted."""
    name = f"idle_{processes}"
    url = await scene.clone(name)
    await limit_telegram(scene, on=True)
    await scene.fetch("DELETE FROM outbox", database=name)
    # The backlog rests in the far future, so that only what is asked for is due.
    await scene.fetch("UPDATE post_jobs SET due_at = '2100-01-01'", database=name)
    workers = [young.start(scene.settings(DATABASE_URL=url)) for _ in range(processes)]
    await until_beating(scene, name, processes)
    await asyncio.sleep(1)
    log, waits = Sends(scene.telegram.send_log), []
    log.new()
    pauses = random.Random(7)  # noqa: S311 - repeatable is the point
    hand = await asyncpg.connect(scene.postgres.dsn(embedded.OWNER, name))
    for _ in range(posts):
        await asyncio.sleep(pauses.uniform(0.05, 0.6))
        due: datetime = await hand.fetchval(
            "UPDATE post_jobs SET due_at = clock() WHERE id = "
            "(SELECT id FROM post_jobs WHERE due_at = '2100-01-01' AND status = 'queued' LIMIT 1) "
            "RETURNING due_at"
        )
        while not (new := _posts(log.new())):  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.02)
        waits.append(new[0]["at"] - due.timestamp())
    await hand.close()
    await asyncio.gather(*(young.stop(worker, signal.SIGKILL) for worker in workers))
    return sorted(waits)


def _posts(sends: list[Json]) -> list[Json]:
    return [send for send in sends if send["admitted"] and send["channel"]]


async def run(channels: int, idle_posts: int) -> Json:
    """Everything, in a folder that is gone afterwards."""
    memory = Path("/dev/shm")  # noqa: S108 - Telegram's disk is not what is measured
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        folder = Path(path)
        async with stage(folder, channels=channels, people=PEOPLE, server=TELEGRAM) as scene:
            engine = database.create_engine(scene.settings()["DATABASE_URL"])
            market = Market(database.create_sessions(engine), scene.telegram.facts)
            begun = time.monotonic()
            await market.open(advertisers=ADVERTISERS, ads=ADVERTISERS)
            await market.stock(channels, promised_hours=24)
            await engine.dispose()
            say(f"{channels} posts queued in {time.monotonic() - begun:.0f} s")
            async with nursery(folder) as young:
                drains = []
                for capped in (False, True):
                    for processes in (1, 3):
                        drains.append(await drain(scene, young, processes, capped=capped))
                        say(row(drains[-1]))
                waits = {n: await idle(scene, young, n, idle_posts) for n in (1, 3)}
    return summary(drains, waits)


def summary(drains: list[Drain], waits: dict[int, list[float]]) -> Json:
    """The figures; of each the worse of one process and three."""
    capped = [drain for drain in drains if drain.capped]
    lifted = [drain for drain in drains if not drain.capped]
    return {
        "cap_share": min(drain.cap_share for drain in capped),
        "too_many_requests": sum(drain.refused for drain in capped),
        "posts_per_s_unlimited": max(drain.per_second for drain in lifted),
        "due_to_published_p50_ms": max(round(quantile(w, 50) * 1000) for w in waits.values()),
        "due_to_published_p95_ms": max(round(quantile(w, 95) * 1000) for w in waits.values()),
        "drains": [vars(drain) for drain in drains],
        "idle": {
            str(processes): {
                "posts": len(found),
                "p50_ms": round(quantile(found, 50) * 1000),
                "p95_ms": round(quantile(found, 95) * 1000),
            }
            for processes, found in waits.items()
        },
    }


def quantile(sorted_values: list[float], percent: int) -> float:
    """The value below which so many percent lie."""
    return statistics.quantiles(sorted_values, n=100, method="inclusive")[percent - 1]


def row(found: Drain) -> str:
    """A line of the table."""
    limits = "30/s kept" if found.capped else "lifted"
    return (
        f"{limits:<10} {found.processes} process(es) {found.posts:>5} posts {found.seconds:>7.1f} s"
        f" {found.per_second:>7.1f} posts/s  share of 30/s {found.cap_share:>7.1%}"
        f" (posts {found.cap_share_posts:>7.1%})  429s {found.refused}  ms of CPU a post: "
        + ", ".join(f"{what} {ms}" for what, ms in found.cpu_ms_per_post.items())
    )


def say(line: str) -> None:
    """For whoever waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measures, writes the file, prints the figures."""
    parser = argparse.ArgumentParser(prog="make bench-posting", description=__doc__)
    parser.add_argument("--channels", type=int, default=1_000)
    parser.add_argument("--idle", type=int, default=60, help="posts that come one by one")
    given = parser.parse_args()
    found = asyncio.run(run(given.channels, given.idle))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    for processes, times in found["idle"].items():
        say(
            f"idle, {processes} process(es): due to published p50 {times['p50_ms']} ms, "
            f"p95 {times['p95_ms']} ms"
        )
    say(f"written to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
