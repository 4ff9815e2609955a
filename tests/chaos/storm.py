"""Schedulers die by the hundred while the servers come and go.

Then the sky clears, and a judge compares what was published with what was paid.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from db import session as database
from sandbox import embedded
from services import invariants
from tests.chaos.market import Market
from tests.chaos.stage import Stage, stage, until
from tests.chaos.weather import Weather, weather
from tests.chaos.workers import Nursery, Worker, nursery

CHANCES = {
    "cut_after": 0.30,
    "error_after": 0.04,
    "timeout_after": 0.01,
    "garbage": 0.02,
    "html_502": 0.02,
    "refuse_before": 0.02,
    "timeout_before": 0.01,
    "error": 0.02,
    "flood": 0.02,
}
"""What goes wrong with how large a share of the sends into channels."""
SETTINGS = {
    "ENVIRONMENT": "development",
    "POST_LEASE": "5",
    "PROBE_GAP": "2",
    "MESSAGES_PER_SECOND": "1000",
}
PLACES_AT_ONCE = 3
PEOPLE = 30
BUYERS = 10
STOPPED_SHARE = 0.08
"""So many workers are stopped past their lease and woken up again, the others killed."""
STOPPED_SECONDS = 8.0
FIRST_PASSINGS = 2
LIFE_SECONDS = (6.0, 25.0)
"""A worker that has not come to its failpoint by then is killed where it is."""
BACKLOG = 9
"""So many posts wait at a time: more would die together with one process."""
HASTE = timedelta(seconds=15)
"""While waiting for the end, time is moved by this with every look; minutes in all."""
MOST_HASTE = timedelta(minutes=8)
PROMISED_HOURS = (0, 2)
BUSY = """
    SELECT coalesce(array_agg(DISTINCT channel_id), '{}') FROM post_jobs
    WHERE status IN ('queued', 'sending', 'uncertain')
"""
WAITING = """
    SELECT COUNT(*) FROM post_jobs j WHERE status = 'queued' AND NOT EXISTS (
        SELECT FROM post_jobs b WHERE b.channel_id = j.channel_id AND b.status = 'uncertain')
"""
USUAL = ("claims.", "Sender.send_ad")
"""Points that every worker comes by; the others are chosen less often."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    kills: int
    seed: int
    channels: int
    settle_seconds: float


@dataclass
class Storm:
    """One run."""

    size: Size
    scene: Stage
    young: Nursery
    market: Market
    sky: Weather
    random: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    """Deaths at failpoints, by point."""
    kills_elsewhere: int = 0
    stopped: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def rage(self) -> None:
        """Until as many have died at failpoints as were asked for."""
        tasks = [asyncio.create_task(self._feed()), asyncio.create_task(self.sky.rage(self.over))]
        try:
            async with asyncio.TaskGroup() as places:
                for _ in range(PLACES_AT_ONCE):
                    places.create_task(self._keep_dying())
        finally:
            self.over.set()
            await asyncio.gather(*tasks)

    def settings(self) -> dict[str, str]:
        """Of every scheduler of the storm."""
        return self.scene.settings(**SETTINGS, **self.sky.settings())

    async def _keep_dying(self) -> None:
        while self.killed.total() < self.size.kills:
            await self._live_and_die()

    async def _live_and_die(self) -> None:
        number = signal.SIGSTOP if self.random.random() < STOPPED_SHARE else signal.SIGKILL
        failpoint = (self._point(), self.random.randint(1, FIRST_PASSINGS), int(number))
        worker = self.young.start(self.settings(), failpoint)
        try:
            await asyncio.wait_for(worker.arrived.wait(), self.random.uniform(*LIFE_SECONDS))
        except TimeoutError:
            pass
        else:
            if number == signal.SIGSTOP:
                self.stopped += 1
                await asyncio.sleep(STOPPED_SECONDS)
                self.young.send(worker, signal.SIGCONT)
                await asyncio.sleep(1)
        if worker.reached is None or number == signal.SIGSTOP:
            self.young.send(worker, signal.SIGKILL)
        await asyncio.wait_for(worker.ended.wait(), 30)
        self._count(worker)

    def _count(self, worker: Worker) -> None:
        """Only what the operating system calls a death by signal 9 is one."""
        if worker.signal != signal.SIGKILL:
            raise RuntimeError(f"a scheduler ended by itself, with status {worker.status}")
        assert worker.failpoint is not None
        if worker.reached is not None and worker.failpoint[2] == signal.SIGKILL:
            self.killed[worker.reached] += 1
        else:
            self.kills_elsewhere += 1

    def _point(self) -> str:
        points = self.young.points
        weights = [8 if point.startswith(USUAL) else 1 for point in points]
        return self.random.choices(points, weights)[0]

    async def _feed(self) -> None:
        """Keep posts waiting, whatever happens to the database meanwhile."""
        # Every ad in every channel, once.
        pairs = [(place, ad) for ad in self.market.ads for place in self.market.places]
        while not self.over.is_set():
            try:
                busy = set(await self.scene.fetch(BUSY))
                for _ in range(max(BACKLOG - await self.scene.fetch(WAITING), 0)):
                    free = next((pair for pair in pairs if pair[0].channel_id not in busy), None)
                    if free is None:
                        break
                    pairs.remove(free)
                    busy.add(free[0].channel_id)
                    await self.market.buy(*free)
            except (SQLAlchemyError, OSError, PostgresError):
                # What was bought half is never approved, or was committed without our knowing.
                pass
            await asyncio.sleep(0.2)

    async def settle(self) -> None:
        """The sky clears; two workers bring everything to its end, hours later."""
        await self.scene.control("faults", "DELETE")
        workers = [self.young.start(self.scene.settings(**SETTINGS)) for _ in range(2)]
        await self._until_none(
            "SELECT COUNT(*) FROM post_jobs WHERE status IN ('queued', 'sending', 'uncertain')"
        )
        await self._forward(timedelta(hours=max(PROMISED_HOURS), minutes=5))
        await self._until_none(
            "SELECT COUNT(*) FROM escrows e JOIN post_jobs j USING (campaign_target_id) "
            "WHERE e.status = 'held' AND j.status IN ('success', 'failed')"
        )
        for worker in workers:
            await self.young.stop(worker, signal.SIGTERM)
            if worker.status != 0:
                raise RuntimeError(f"a scheduler did not stop well, but with {worker.status}")

    async def _forward(self, by: timedelta) -> None:
        """Move the database's clock."""
        await self.scene.fetch("UPDATE clock_shift SET shift = shift + $1", by)

    async def _until_none(self, count: str) -> None:
        left = MOST_HASTE

        async def none() -> bool:
            nonlocal left
            if left > timedelta():
                left -= HASTE
                await self._forward(HASTE)
            return bool(await self.scene.fetch(count) == 0)

        try:
            await until(none, self.size.settle_seconds, "not all is settled", every=2)
        except TimeoutError:
            # The judge says what is left.
            return


async def judge(scene: Stage) -> Json:
    """The verdict of the oracle: a process that knows none of our code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(Path(__file__).with_name("oracle.py"))),
        *(scene.postgres.dsn(embedded.OWNER), str(scene.telegram.published)),
        env={"PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the oracle could not judge")
    verdict: Json = json.loads(output)
    return verdict


async def run(folder: Path, size: Size) -> Json:
    """Storm, calm, verdict."""
    async with (
        stage(
            folder, channels=size.channels, people=PEOPLE, seed=size.seed, chances=CHANCES
        ) as scene,
        nursery(folder) as young,
        weather(scene, size.seed) as sky,
    ):
        engine = database.create_engine(scene.settings()["DATABASE_URL"])
        sessions = database.create_sessions(engine)
        market = Market(sessions, scene.telegram.facts)
        await market.open(advertisers=BUYERS, ads=max(size.kills // 20, 10))
        for fact, hours in zip(market.untold(), itertools.cycle(PROMISED_HOURS), strict=False):
            await market.connect(fact, promised_hours=hours)
        storm = Storm(size, scene, young, market, sky, random.Random(size.seed))  # noqa: S311
        await storm.rage()
        await storm.settle()
        verdict = await judge(scene)
        async with sessions.begin() as session:
            broken = await invariants.run(session)
        await engine.dispose()
    verdict["invariant_violations"] += len(broken)
    return {
        "seed": size.seed,
        "kills": storm.killed.total(),
        "kills_elsewhere": storm.kills_elsewhere,
        "stopped_and_woken": storm.stopped,
        **verdict,
        "killed_at": dict(sorted(storm.killed.items())),
        "weather": dict(sorted(sky.seen.items())),
    }
