"""Schedulers die by the hundred while the servers come and go.

Then the sky clears, and a judge compares what was published with what was paid.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from asyncpg import PostgresError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from db import session as database
from sandbox import embedded
from services.money import invariants
from tests.chaos.environment import Stage, stage, until
from tests.chaos.kill_loop import Victims
from tests.chaos.market import Market, Place
from tests.chaos.outages import Weather, weather
from tests.chaos.workers import Nursery, nursery

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
    "refused": 0.02,
}
"""What goes wrong with how large a share of the sends into channels."""
SETTINGS = {
    "ENVIRONMENT": "development",
    "POST_LEASE": "12",
    "PROBE_GAP": "2",
    "MESSAGES_PER_SECOND": "1000",
}
PEOPLE = 30
BUYERS = 10
BACKLOG = 6
"""So many posts wait at a time: more would die together with one process."""
MOST_OPEN = 36
"""No more is bought while so many posts are on their way or uncertain: what is left over by the
dead is looked after before more of them die over more."""
AT_A_TIME = 2
FEED_SECONDS = 0.3
SPEED = 2
"""Time in the database runs so much faster, for all but the leases."""
HASTE = timedelta(seconds=5)
"""While waiting for the end, time is moved by this with every look; minutes in all."""
MOST_HASTE = timedelta(minutes=5)
PROMISED_HOURS = (0, 1)
WORK = text(
    """
    SELECT coalesce(array_agg(DISTINCT channel_id), '{}') AS busy,
        COUNT(*) FILTER (WHERE status = 'queued' AND NOT EXISTS (
            SELECT FROM post_jobs b
            WHERE b.channel_id = j.channel_id AND b.status = 'uncertain')) AS waiting,
        COUNT(*) FILTER (WHERE status <> 'queued') AS open
    FROM post_jobs j WHERE status IN ('queued', 'sending', 'uncertain')
    """
)
TELL_SECONDS = 15.0
Json = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    kills: int
    seed: int
    channels: int
    settle_seconds: float
    calm_seconds: tuple[float, float] = (4.0, 12.0)
    """Between two troubles of the servers."""


@dataclass
class Storm:
    """One run."""

    size: Size
    scene: Stage
    young: Nursery
    market: Market
    sky: Weather
    victims: Victims = field(init=False)
    _posts: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Choose who dies where, by the seed."""
        chance = random.Random(self.size.seed)  # noqa: S311 - repeatable is the point
        self.victims = Victims(self.young, self._settings, chance)

    async def rage(self) -> None:
        """Until as many have died at failpoints as were asked for, and nothing was left out."""
        tasks = [
            asyncio.create_task(self._feed()),
            asyncio.create_task(self._hurry()),
            asyncio.create_task(self._tell()),
            asyncio.create_task(self.sky.rage(self.over, self.size.calm_seconds)),
        ]
        try:
            await self.victims.fall(self._enough)
        finally:
            self.over.set()
            await asyncio.gather(*tasks)

    def _enough(self) -> bool:
        dead = self.victims.killed.total() >= self.size.kills
        return dead and bool(self.sky.rounds and self.victims.stopped_and_woken)

    def _settings(self) -> dict[str, str]:
        """Of every scheduler of the storm."""
        return self.scene.settings(**SETTINGS, **self.sky.settings())

    async def _feed(self) -> None:
        """Keep posts waiting, whatever happens to the database meanwhile."""
        unused = self._unused()
        while not self.over.is_set():
            try:
                async with self.market.sessions.begin() as session:
                    work = (await session.execute(WORK)).one()
                self._posts = f"{work.waiting} posts wait, {work.open} are open"
                room = min(BACKLOG - work.waiting, MOST_OPEN - work.open, AT_A_TIME)
                await self._buy(max(room, 0), set(work.busy), unused)
            except (SQLAlchemyError, OSError, PostgresError):
                # What was bought half is never approved, or was committed without our knowing.
                pass
            await asyncio.sleep(FEED_SECONDS)

    def _unused(self) -> dict[Place, Iterator[tuple[Any, int]]]:
        """Every ad in every channel, once; those first that were used least."""
        return {place: iter(self.market.ads) for place in self.market.places}

    async def _buy(
        self, number: int, busy: set[int], unused: dict[Place, Iterator[tuple[Any, int]]]
    ) -> None:
        free = [place for place in unused if place.channel_id not in busy]
        for place in free[:number]:
            ads = unused.pop(place)
            if (ad := next(ads, None)) is not None:
                # To the end of the line.
                unused[place] = ads
                await self.market.buy(place, ad)

    async def _hurry(self) -> None:
        """Let time run faster."""
        while not self.over.is_set():
            await asyncio.sleep(1)
            with contextlib.suppress(OSError, PostgresError):
                await self._forward(timedelta(seconds=SPEED - 1))

    async def _tell(self) -> None:
        """Say now and then how far it is."""
        begun = time.monotonic()
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), TELL_SECONDS)
            log.info(
                "%4.0f s: %d killed at failpoints, %d elsewhere, %d stopped and woken, %s",
                time.monotonic() - begun,
                self.victims.killed.total(),
                self.victims.killed_elsewhere,
                self.victims.stopped_and_woken,
                self._posts,
            )

    async def settle(self) -> None:
        """The sky clears; some workers bring everything to its end, hours later."""
        await self.scene.control("faults", "DELETE")
        workers = [self.young.start(self.scene.settings(**SETTINGS)) for _ in range(3)]
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
            await until(none, self.size.settle_seconds, "not all is settled", every=1)
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
            news = {"user_id": fact["owner"], "text": "News of the day"}
            told = await scene.control(f"chats/{fact['chat_id']}/post", **news)
            await market.hear(fact["chat_id"], told["message_id"])
        storm = Storm(size, scene, young, market, sky)
        await storm.rage()
        await storm.settle()
        verdict = await judge(scene)
        async with sessions.begin() as session:
            broken = await invariants.run(session)
        await engine.dispose()
    verdict["invariant_violations"] += len(broken)
    victims = storm.victims
    return {
        "seed": size.seed,
        "kills": victims.killed.total(),
        "kills_elsewhere": victims.killed_elsewhere,
        "stopped_and_woken": victims.stopped_and_woken,
        "cpu_seconds_of_victims": round(victims.cpu),
        **verdict,
        "killed_at": dict(sorted(victims.killed.items())),
        "weather": dict(sorted(sky.seen.items())),
        "sends": dict.fromkeys(CHANCES, 0) | Counter(scene.telegram.faults()),
    }
