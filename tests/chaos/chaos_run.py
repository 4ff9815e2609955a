"""Kill many schedulers during outages, let others finish the posts, and judge the result."""

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from db import session as database
from db.money import STARS
from sandbox import clock, embedded
from services.money import invariants
from services.platform import errors
from services.posts import breaches
from tests.chaos import answers, cancellers, complainers, preparation, removals
from tests.chaos.cancellers import Cancellers
from tests.chaos.complainers import Complainers
from tests.chaos.complaint_kills import ComplaintKills
from tests.chaos.environment import Environment, run_environment, wait_until
from tests.chaos.judging import BROKEN_PROMISES, STOPS, Json, judge
from tests.chaos.kill_loop import KillLoop
from tests.chaos.market import ConnectedChannel, Market
from tests.chaos.operators import Operators
from tests.chaos.outages import Outages, run_outages
from tests.chaos.owners import ACTS, Owners
from tests.chaos.payers import Payers
from tests.chaos.removals import RemovalKills
from tests.chaos.schedulers import ForkServerClient, run_fork_server

FAULT_SHARES = {
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
"""The share of the sends into channels that get each kind of fault."""
SETTINGS = {
    "ENVIRONMENT": "development",
    "CURRENCY": STARS,
    "POST_LEASE": "12",
    "PROBE_GAP": "2",
    "MESSAGES_PER_SECOND": "1000",
    **complainers.SETTINGS,
}
PEOPLE = 30
# A small number limits the posts that a dying process leaves unfinished.
BACKLOG = 6
"""How many posts wait at most at the same time."""
MOST_OPEN = 36
"""The number of `sending` or `uncertain` posts at which the run stops buying placements."""
BOUGHT_AT_ONCE = 2
BUY_SECONDS = 0.3
"""The time between two attempts to buy placements, in seconds."""
CLOCK_SPEED = 2
"""The speed of the database's clock, as a multiple of the real clock's speed."""
CLOCK_STEP = timedelta(seconds=5)
"""How far one step at the end of a run moves the database's clock."""
MOST_CLOCK_STEPS = timedelta(minutes=5)
"""How far one wait at the end of a run may move the database's clock."""
CHECK_STEP, MOST_CHECK_STEPS = timedelta(seconds=10), timedelta(minutes=15)
"""The same while only checks of posts are missing. A check that was cut comes 15 minutes later."""
LONGEST_PROMISE = timedelta(hours=max(hours for hours, _ in preparation.PROMISES))
REMOVAL_STEP, MOST_REMOVAL_STEPS = timedelta(seconds=20), timedelta(minutes=40)
"""The same while removals are missing. An uncertain deletion is looked at 5 minutes later."""
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
HELD = """
    SELECT COUNT(*) FROM escrows e JOIN post_jobs j USING (campaign_target_id)
    WHERE e.status = 'held' AND j.status IN ('success', 'failed')
"""
COMPLAINT_WAIT, LONGEST_COMPLAINT_WAIT = timedelta(minutes=10), 6 * complainers.STEP_TIME
"""The same while complaints are open, of which each step that nobody takes ends after STEP_TIME."""
COMPLAINT_STEP, COMPLAINT_STEP_SECONDS = timedelta(seconds=15), 1.0
"""How far each step moves the database's clock while people complain at the end of a run."""
HOURS_STEP = timedelta(minutes=5)
HOURS_STEP_SECONDS = 3.0
"""The real time after each HOURS_STEP, in seconds."""
LOG_SECONDS = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Size:
    """The size of a run."""

    kills: int
    seed: int
    channels: int
    finish_seconds: float
    """The longest time of each wait at the end of the run, in seconds."""
    outage_gap_seconds: tuple[float, float] = (4.0, 12.0)
    """The shortest and the longest time between two outages, in seconds."""
    stops_everything: bool = True
    """Whether an operator stops all kill switches during the run."""
    sees_all_complaints: bool = True
    """Whether the run goes on until each kind of event of a complaint has happened."""


@dataclass
class ChaosRun:
    """A chaos run, which buys placements, kills schedulers and causes outages."""

    size: Size
    environment: Environment
    fork_server: ForkServerClient
    market: Market
    outages: Outages
    owners: Owners
    payers: Payers
    operators: Operators
    cancellers: Cancellers
    complainers: Complainers
    kill_loop: KillLoop = field(init=False)
    removal_kills: RemovalKills = field(init=False)
    complaint_kills: ComplaintKills = field(init=False)
    _posts: str = ""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _unused: dict[ConnectedChannel, Iterator[tuple[Any, int]]] = field(init=False)
    """The ads that were not bought yet in each channel."""

    def __post_init__(self) -> None:
        rng = random.Random(self.size.seed)
        self._unused = self._unused_ads()
        self.kill_loop = KillLoop(self.fork_server, self._settings, rng)
        settings = partial(self.environment.settings, **SETTINGS)
        self.removal_kills = RemovalKills(self.fork_server, settings, rng)
        self.complaint_kills = ComplaintKills(self.fork_server, settings, rng, self.size.kills // 8)

    async def kill(self) -> None:
        """Kill schedulers during outages, until every planned event has happened."""
        self._tasks = [
            asyncio.create_task(self._buy_placements(self._ended)),
            asyncio.create_task(self._advance_clock()),
            asyncio.create_task(self._log_progress()),
            asyncio.create_task(self.outages.run(self._ended, self.size.outage_gap_seconds)),
            asyncio.create_task(self.owners.run(self._ended)),
            asyncio.create_task(self.payers.run(self._ended)),
            asyncio.create_task(self.cancellers.run(self._ended)),
            asyncio.create_task(self.complainers.run(self._ended)),
        ]
        if self.size.stops_everything:
            self._tasks.append(asyncio.create_task(self.operators.run(self._ended)))
        try:
            await self.kill_loop.run(self._enough)
        finally:
            self._ended.set()
            await asyncio.gather(*self._tasks)

    def _enough(self) -> bool:
        """Return True if every planned event has happened, or if a task has ended."""
        killed = self.kill_loop.killed.total() >= self.size.kills
        enough = (
            killed
            and self.payers.complete
            and self.cancellers.complete
            and bool(self.outages.rounds and self.kill_loop.stopped_and_woken)
        )
        return enough or any(task.done() for task in self._tasks)

    def _settings(self) -> dict[str, str]:
        """Return the settings of a scheduler that connects through the proxies."""
        return self.environment.settings(**SETTINGS, **self.outages.settings())

    async def _buy_placements(self, ended: asyncio.Event) -> None:
        """Buy placements until `ended` is set, so that some posts always wait to be sent."""
        while not ended.is_set():
            try:
                async with self.market.sessions.begin() as session:
                    work = (await session.execute(WORK)).one()
                self._posts = f"{work.waiting} posts wait, {work.open} are open"
                room = min(BACKLOG - work.waiting, MOST_OPEN - work.open, BOUGHT_AT_ONCE)
                await self._buy(max(room, 0), set(work.busy))
            except (SQLAlchemyError, OSError, PostgresError, errors.SwitchStopped):
                # An outage may interrupt the purchase of a placement before or after the commit of
                # its approval, and so may a stop. The oracle reads the result from the tables.
                pass
            await asyncio.sleep(BUY_SECONDS)

    def _unused_ads(self) -> dict[ConnectedChannel, Iterator[tuple[Any, int]]]:
        """Return an iterator over all ads for each channel."""
        # Each channel begins with another ad, so that a short run publishes each kind.
        ads = self.market.ads
        return {
            channel: iter(ads[number % len(ads) :] + ads[: number % len(ads)])
            for number, channel in enumerate(self.market.connected)
        }

    async def _buy(self, number: int, busy: set[int]) -> None:
        free = [channel for channel in self._unused if channel.channel_id not in busy]
        for channel in free[:number]:
            ads = self._unused.pop(channel)
            if (ad := next(ads, None)) is not None:
                # Adding it again moves the channel to the end of the order.
                self._unused[channel] = ads
                await self.market.buy(channel, ad, complaint_window=complainers.WINDOW)

    async def _advance_clock(self) -> None:
        """Make the database's clock run CLOCK_SPEED times as fast as the real clock."""
        while not self._ended.is_set():
            await asyncio.sleep(1)
            with contextlib.suppress(OSError, PostgresError, InterfaceError):
                await self._move_clock(timedelta(seconds=CLOCK_SPEED - 1))

    async def _log_progress(self) -> None:
        """Log the numbers of kills and posts."""
        begun = time.monotonic()
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOG_SECONDS)
            log.info(
                "%4.0f s: %d killed at failpoints, %d elsewhere, %d stopped and woken, %s",
                time.monotonic() - begun,
                self.kill_loop.killed.total(),
                self.kill_loop.killed_elsewhere,
                self.kill_loop.stopped_and_woken,
                self._posts,
            )

    async def finish(self) -> None:
        """Let three schedulers finish all posts without faults, and pay or refund the posts.

        Raises RuntimeError if a scheduler does not end with the status 0.
        """
        await self.environment.control("faults", "DELETE")
        await self.owners.give_rights_back()
        settings = self.environment.settings(**SETTINGS)
        if self.size.sees_all_complaints:
            async with asyncio.TaskGroup() as tasks:
                killing = tasks.create_task(self.complaint_kills.run())
                tasks.create_task(self._complain_while(killing))
        schedulers = [self.fork_server.start(settings) for _ in range(3)]
        if self.size.sees_all_complaints:
            await self._complain()
        await self._wait_until_zero(
            "SELECT COUNT(*) FROM post_jobs WHERE status IN ('queued', 'sending', 'uncertain')"
        )
        await self.payers.refund_earned()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.removal_kills.run())
            await self._end_promises()
            self.removal_kills.end()
        await self._move_clock(max(breaches.DECISION_TIME, complainers.APPEAL_TIME))
        await self._wait_until_zero(complainers.UNENDED, COMPLAINT_WAIT, LONGEST_COMPLAINT_WAIT)
        await self._wait_until_zero(HELD, CHECK_STEP, MOST_CHECK_STEPS)
        await self._wait_until_zero(removals.OPEN, REMOVAL_STEP, MOST_REMOVAL_STEPS)
        await self.payers.refund_earned()  # a post may have waited for the time of its channel
        await self.payers.wait_until_booked(self.size.finish_seconds)
        for scheduler in schedulers:
            await self.fork_server.stop(scheduler, signal.SIGTERM)
            if scheduler.status != 0:
                raise RuntimeError(f"a scheduler ended with status {scheduler.status}, not 0")

    async def _complain_while(self, killing: asyncio.Task[None]) -> None:
        """Complain and act on complaints while schedulers are killed, with a faster clock."""
        while not killing.done():
            await self.complainers.act_on_many()
            await self._move_clock(COMPLAINT_STEP)
            await asyncio.sleep(COMPLAINT_STEP_SECONDS)

    async def _complain(self) -> None:
        """Buy more, and complain with a faster clock, until each choice was drawn."""
        complaining = asyncio.create_task(
            self.complainers.run_until_complete(self.size.finish_seconds)
        )
        ended = asyncio.Event()
        buying = asyncio.create_task(self._buy_placements(ended))
        while not complaining.done():
            await self._move_clock(COMPLAINT_STEP)
            await asyncio.sleep(COMPLAINT_STEP_SECONDS)
        ended.set()
        await asyncio.gather(complaining, buying)

    async def _end_promises(self) -> None:
        """Let the promised hours end, and wait until the posts are paid for and taken down."""
        for _ in range((LONGEST_PROMISE + timedelta(minutes=10)) // HOURS_STEP):
            await self.owners.act_on_many()
            await self.complainers.act_on_many()
            await self._move_clock(HOURS_STEP)
            await asyncio.sleep(HOURS_STEP_SECONDS)
        await self._wait_until_zero(
            f"{HELD} AND j.breach IS NULL AND {complainers.UNDISPUTED}",
            CHECK_STEP,
            MOST_CHECK_STEPS,
        )
        await self._wait_until_zero(removals.OPEN, REMOVAL_STEP, MOST_REMOVAL_STEPS)

    async def _move_clock(self, by: timedelta) -> None:
        owner_url = self.environment.postgres.dsn(embedded.OWNER)
        await clock.move_forward(owner_url, by.total_seconds())

    async def _wait_until_zero(
        self, count: str, step: timedelta = CLOCK_STEP, most: timedelta = MOST_CLOCK_STEPS
    ) -> None:
        """Move the database's clock until a query returns 0, or until `finish_seconds` are over.

        The clock moves by `step` each second, and by `most` in all.
        """
        steps_left = most

        async def is_zero() -> bool:
            nonlocal steps_left
            await self.owners.give_rights_back()
            if steps_left > timedelta():
                steps_left -= step
                await self._move_clock(step)
            return bool(await self.environment.fetch(count) == 0)

        with contextlib.suppress(TimeoutError):
            await wait_until(is_zero, self.size.finish_seconds, "not all is finished", interval=1)


async def run(folder: Path, size: Size) -> Json:
    """Carry out a chaos run on its own servers in `folder`, and return its figures."""
    async with (
        run_environment(
            folder,
            channels=size.channels,
            people=PEOPLE,
            seed=size.seed,
            fault_shares=FAULT_SHARES,
            deletion_fault_shares=removals.DELETION_FAULT_SHARES,
        ) as environment,
        run_fork_server(folder) as fork_server,
        run_outages(environment, size.seed) as outages,
    ):
        engine = database.create_engine(environment.settings()["DATABASE_URL"])
        sessions = database.create_sessions(engine)
        market = await preparation.prepare(environment, sessions, ads=max(size.kills // 20, 10))
        owners = Owners(
            environment,
            market,
            folder / BROKEN_PROMISES,
            random.Random(size.seed),
        )
        payers = Payers(environment, market, random.Random(size.seed))
        operators = Operators(market, folder / STOPS, random.Random(size.seed))
        cancelling = Cancellers(market, random.Random(size.seed))
        complaining = Complainers(market, environment, random.Random(size.seed))
        people = (owners, payers, operators, cancelling, complaining)
        chaos = ChaosRun(size, environment, fork_server, market, outages, *people)
        await chaos.kill()
        await chaos.finish()
        verdict = await judge(environment)
        async with sessions.begin() as session:
            broken = await invariants.run(session)
        await engine.dispose()
    verdict["invariant_violations"] += len(broken)
    kill_loop = chaos.kill_loop
    return {
        "seed": size.seed,
        "kills": kill_loop.killed.total(),
        "kills_elsewhere": kill_loop.killed_elsewhere,
        "stopped_and_woken": kill_loop.stopped_and_woken,
        "killed_during_removals": chaos.removal_kills.killed,
        "killed_during_complaints": (
            chaos.complaint_kills.killed if size.sees_all_complaints else None
        ),
        "scheduler_cpu_seconds": round(kill_loop.cpu_seconds),
        **verdict,
        "killed_at": dict(sorted(kill_loop.killed.items())),
        "outages": dict(sorted(outages.counts.items())),
        "broken_promises": dict.fromkeys(ACTS, 0) | chaos.owners.counts,
        "refunded_money": dict(payers.counts),
        "complaints": dict.fromkeys(complainers.COUNTED, 0) | verdict["complaints"],
        "cancellations": dict.fromkeys(cancellers.COUNTED, 0) | cancelling.counts,
        "owners_answers": dict.fromkeys(answers.COUNTED, 0) | market.answers.counts,
        "stops_of_everything": operators.stops if size.stops_everything else None,
        "send_faults": dict.fromkeys(FAULT_SHARES, 0) | Counter(environment.telegram.faults()),
    }
