"""Measure how long posts wait after the death of their scheduler."""

import asyncio
import signal
import time
from pathlib import Path

from db import session as database
from tests.chaos.environment import Environment, run_environment, wait_until
from tests.chaos.failpoints import Failpoint
from tests.chaos.market import Market
from tests.chaos.schedulers import ForkServerClient, Scheduler, run_fork_server

POINTS = (
    "posting.claim_due after commit",
    "Sender.send_ad before",
    "posting.record_published before",
)
POSTS = 2
"""The number of posts that each scheduler claims."""
LONGEST_SECONDS = 120.0
POSTPONE_ALL = "UPDATE post_jobs SET due_at = 'infinity'"
MAKE_DUE = """
    UPDATE post_jobs SET due_at = now() WHERE id IN (
        SELECT id FROM post_jobs WHERE due_at = 'infinity' ORDER BY id LIMIT $1)
"""
HEARTBEATS = "SELECT COUNT(*) FROM heartbeats"
SENDING = "SELECT array_agg(id ORDER BY id) FROM post_jobs WHERE status = 'sending'"


async def measure(folder: Path) -> float:
    """Return the longest time that a post of a dead scheduler waited, in seconds."""
    channels = POSTS * len(POINTS)
    async with (
        run_environment(folder, channels=channels, people=3, durable=False) as environment,
        run_fork_server(folder) as fork_server,
    ):
        engine = database.create_engine(environment.settings()["DATABASE_URL"])
        market = Market(database.create_sessions(engine), environment.telegram.facts)
        await market.populate(advertisers=1, ads=1)
        await market.fill(channels, promised_hours=24, at_once=1)
        await environment.fetch(POSTPONE_ALL)
        successor = await _start_successor(environment, fork_server)
        died_at: dict[int, float] = {}
        for point in POINTS:
            await environment.fetch(MAKE_DUE, POSTS)
            failpoint = Failpoint(point, 1, signal.SIGKILL)
            scheduler = fork_server.start(environment.settings(), failpoint)
            await _wait_until_killed(scheduler)
            moment = time.monotonic()
            for job_id in await environment.fetch(SENDING):
                died_at.setdefault(job_id, moment)
        fork_server.send(successor, signal.SIGCONT)
        longest = await _wait_until_recovered(environment, died_at)
        await engine.dispose()
    return longest


async def _wait_until_killed(scheduler: Scheduler) -> None:
    await asyncio.wait_for(scheduler.ended.wait(), LONGEST_SECONDS)
    if scheduler.signal != signal.SIGKILL:
        raise RuntimeError(f"a scheduler ended by itself, with status {scheduler.status}")


async def _start_successor(environment: Environment, fork_server: ForkServerClient) -> Scheduler:
    """Start the scheduler that will take over the posts, and pause it after its first heartbeat."""
    successor = fork_server.start(environment.settings())

    async def has_heartbeat() -> bool:
        return bool(await environment.fetch(HEARTBEATS))

    await wait_until(has_heartbeat, LONGEST_SECONDS, "the scheduler has no heartbeat")
    fork_server.send(successor, signal.SIGSTOP)
    return successor


async def _wait_until_recovered(environment: Environment, died_at: dict[int, float]) -> float:
    """Return the longest time that a post waited after its scheduler's death, in seconds."""
    waited: dict[int, float] = {}

    async def all_recovered() -> bool:
        still_sending = set(await environment.fetch(SENDING) or ())
        now = time.monotonic()
        for job_id in died_at.keys() - still_sending - waited.keys():
            waited[job_id] = now - died_at[job_id]
        return len(waited) == len(died_at)

    await wait_until(
        all_recovered, LONGEST_SECONDS, "no scheduler recovers the posts", interval=0.1
    )
    return max(waited.values())
