"""Let a server refuse work while people use the product, and judge what became of it."""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asyncpg import InterfaceError, PostgresError

from bot import outages, process_watch
from db import session as database
from db.money import STARS
from sandbox import logins, processes
from services.money import invariants
from tests.chaos import chaos_run, judging, small_disk
from tests.chaos.environment import Environment, run_environment, wait_until
from tests.chaos.market import Market
from tests.chaos.server_faults import Fault, ServerFaults
from tests.chaos.server_faults_report import Json, Observed
from tests.chaos.server_load import VISITORS, Load

PROGRAMS = ("bot", "scheduler")
POSTS = 6
"""The number of posts that become due during each fault."""
QUIET_SECONDS = 6.0
"""How long the product works undisturbed before each fault, in seconds."""
SETTLED_SECONDS = 180.0
TOLD_SECONDS = outages.CALM_SECONDS + 2 * process_watch.EVERY_SECONDS
"""How long after a fault the admin chat has read that it is over, in seconds."""
STOP_SECONDS = 45.0
SUPER_ADMIN = 0
"""The number of the first super admin in the list of people. The admin chat is that person's."""
UNFINISHED = """
    SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL)
        + (SELECT count(*) FROM post_jobs WHERE status IN ('sending', 'uncertain')
           OR status = 'queued' AND due_at < 'infinity')
        + (SELECT count(*) FROM escrows e JOIN post_jobs j USING (campaign_target_id)
           WHERE e.status = 'held' AND j.status IN ('success', 'failed'))
"""
RESUMED = """
    EXISTS (SELECT FROM inbox WHERE done_at > $1 AND failed_at IS NULL)
    AND EXISTS (SELECT FROM heartbeats WHERE name = 'scheduler' AND beat_at > $1)
"""
"""Whether the bot has handled an update and the scheduler has worked since a moment."""
UNANSWERED = "SELECT count(*) FROM inbox WHERE done_at IS NULL"
UPDATES = """
    SELECT count(*) AS stored, max(update_id) - min(update_id) + 1 AS sent,
        count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed,
        count(*) FILTER (WHERE done_at IS NULL) AS undone
    FROM inbox
"""

log = logging.getLogger(__name__)


@dataclass
class Products:
    """The product's processes, which a run starts and watches."""

    environment: Environment
    children: dict[str, processes.Child]
    _read: dict[str, int] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Return the path of a program's log."""
        return self.environment.folder / f"{name}.log"

    def new_warnings(self) -> dict[str, list[str]]:
        """Return each program's lines since the last call that say that something is wrong."""
        found = {}
        for name in PROGRAMS:
            lines = self.path(name).read_text().splitlines()
            new, self._read[name] = lines[self._read.get(name, 0) :], len(lines)
            found[name] = [line for line in new if '"level": "info"' not in line]
        return found

    @property
    def ended(self) -> dict[str, int]:
        """The exit status of each process that has ended by itself."""
        ended = {name: child.returncode for name, child in self.children.items()}
        return {name: status for name, status in ended.items() if status is not None}


@asynccontextmanager
async def run_products(environment: Environment, **settings: str) -> AsyncIterator[Products]:
    """Run a bot and a scheduler until the block ends."""
    server = environment.postgres
    common = environment.settings(
        **chaos_run.SETTINGS,
        LOG_LEVEL="INFO",
        HTTP_PORT="0",
        SUPER_ADMIN_IDS=str(environment.telegram.facts["people"][SUPER_ADMIN]),
        SUPPORT_CONTACT="@support",
        ADTECH_ENV_FILE=os.devnull,
        DATABASE_URL=server.dsn(logins.BOT),
        INTAKE_DATABASE_URL=server.dsn(logins.INTAKE),
        CLOCK_DATABASE_URL=server.dsn(logins.CLOCK),
        **settings,
    )
    children = {
        name: processes.spawn(
            [sys.executable, *processes.module(name)],
            name=name,
            cwd=environment.folder,
            env=common,
            log=environment.folder / f"{name}.log",
        )
        for name in PROGRAMS
    }
    try:
        yield Products(environment, children)
    finally:
        await asyncio.gather(
            *(child.stop((signal.SIGTERM, STOP_SECONDS)) for child in children.values())
        )


@dataclass
class Run:
    """One run, with the servers, the people and the product."""

    environment: Environment
    products: Products
    faults: ServerFaults
    load: Load
    fault_seconds: float
    _told: int = 0

    async def pass_fault(self, name: str, fault: Fault) -> Observed:
        """Let the people use the product during a fault, and wait until it works again."""
        await self.load.prepare_posts(POSTS)
        await asyncio.sleep(QUIET_SECONDS)
        seen, ended = Observed(name), asyncio.Event()
        visitors = [asyncio.create_task(self.load.visit(ended)) for _ in range(VISITORS)]
        paying = await self.load.pay_during(self.fault_seconds)
        await self.load.make_posts_due(POSTS)
        before = len(self.load.accepted), self.load.messages + self.load.presses
        known_refusals = len(self.load.refused)
        self.products.new_warnings()
        await self._new_messages()
        log.info("%s begins", name)
        began = time.monotonic()
        async with fault():
            late = asyncio.create_task(self.load.pay_late(self.fault_seconds))
            await asyncio.sleep(self.fault_seconds)
            seen.payments = len(self.load.accepted) - before[0]
            seen.updates = self.load.messages + self.load.presses - before[1]
        seen.seconds = time.monotonic() - began
        await self._measure_recovery(seen, ended)
        await asyncio.gather(*visitors, *paying, late)
        seen.refused = self.load.refused[known_refusals:]
        await asyncio.sleep(TOLD_SECONDS)
        await self._until(UNFINISHED)
        seen.lines, seen.told = self.products.new_warnings(), await self._new_messages()
        log.info("%s: works again after %.1f s", name, seen.resumed_after_s)
        return seen

    async def _measure_recovery(self, seen: Observed, ended: asyncio.Event) -> None:
        over = time.monotonic()
        since = await self.environment.fetch("SELECT clock_timestamp()")
        ended.set()
        await self._until(f"SELECT 1 - ({RESUMED})::int", since, pending=False)
        seen.resumed_after_s = round(time.monotonic() - over, 1)
        await self._until(UNANSWERED)
        seen.answered_after_s = round(time.monotonic() - over, 1)
        await self._until(UNFINISHED)
        seen.finished_after_s = round(time.monotonic() - over, 1)

    async def _until(self, count: str, *arguments: object, pending: bool = True) -> None:
        """Wait until a query returns 0, or for SETTLED_SECONDS, or until a process has ended.

        If `pending` is true, also wait until Telegram has no update left.
        """

        async def is_zero() -> bool:
            if self.products.ended:
                return True  # the run has failed
            with contextlib.suppress(OSError, PostgresError, InterfaceError):
                left = await self.environment.fetch(count, *arguments)
                if left == 0 and pending:
                    left = (await self.environment.control("state", "GET"))["pending_updates"]
                return bool(left == 0)
            return False

        with contextlib.suppress(TimeoutError):
            await wait_until(is_zero, SETTLED_SECONDS, "not all is finished", interval=0.1)

    async def _new_messages(self) -> list[str]:
        """Return the texts in the admin chat since the last call."""
        chat = self.environment.telegram.facts["admin_chat_id"]
        shown = await self.environment.control(f"chats/{chat}/messages", "GET")
        texts = [str(each["text"]) for each in shown["messages"]]
        new, self._told = texts[self._told :], len(texts)
        return new


async def run(folder: Path, *, fault_seconds: float, seed: int) -> Json:
    """Run the product through every fault on its own servers in `folder`, and return the figures.

    Raises CannotMountError if this user may not mount a disk.
    """
    begun = time.monotonic()
    with small_disk.mount(folder / "postgres") as disk:
        async with run_environment(folder, channels=POSTS * 8, people=12) as environment:
            faults = ServerFaults(environment, disk)
            keeping = asyncio.create_task(faults.keep_running())
            try:
                figures = await _run(environment, faults, fault_seconds, seed)
            finally:
                keeping.cancel()
    figures["seconds"] = round(time.monotonic() - begun)
    return figures


async def _run(
    environment: Environment, faults: ServerFaults, fault_seconds: float, seed: int
) -> Json:
    engine = database.create_engine(environment.settings()["DATABASE_URL"])
    market = Market(database.create_sessions(engine), environment.telegram.facts, STARS)
    await market.populate(advertisers=4, ads=4)
    # Telegram's list does not have these deposits. They must be older than its first payment.
    await asyncio.sleep(1)
    await faults.prepare()
    load = Load(environment, market, random.Random(seed))
    await load.pay_before_start()
    async with run_products(environment) as products:
        run_ = Run(environment, products, faults, load, fault_seconds)
        await load.new_person()
        seen: list[Observed] = []
        for name, fault in faults.all.items():
            if not products.ended:
                seen.append(await run_.pass_fault(name, fault))
        # An update after all others shows that none is missing at the end.
        await load.new_person(wait=not products.ended)
        exits = products.ended
        state = await environment.control("state", "GET")
    for name in (judging.BROKEN_PROMISES, judging.STOPS):
        (environment.folder / name).touch()
    verdict = await judging.judge(environment)
    async with market.sessions.begin() as session:
        verdict["invariant_violations"] += len(await invariants.run(session))
    await engine.dispose()
    return verdict | {
        "seed": seed,
        "faults": [each.figures() for each in seen],
        "restarts_of_the_server": faults.restarts,
        "exits": exits | _bad_stops(products),
        "pending_updates": state["pending_updates"],
        "payments": len(load.accepted),
        "updates": await _updates(environment),
    }


def _bad_stops(products: Products) -> dict[str, int | None]:
    stopped = {name: child.returncode for name, child in products.children.items()}
    return {name: status for name, status in stopped.items() if status != 0}


async def _updates(environment: Environment) -> Json:
    counted: Json = json.loads(
        await environment.fetch(f"SELECT row_to_json(counted) FROM ({UPDATES}) AS counted")
    )
    return counted
