"""How long the work of a dead process lies idle, with production's own lease and ticks.

Workers are killed right after the claim, right before the send and right after it, each with posts
in its hands, while another goes on: it stands still only until all three are dead, so that it does
not take their posts before them. Measured from the death, as the operating system reports it, to
the moment when the post is queued again or known to be uncertain.
"""

import asyncio
import signal
import time
from pathlib import Path

from db import session as database
from tests.chaos.environment import Stage, stage, until
from tests.chaos.failpoints import Failpoint
from tests.chaos.market import Market
from tests.chaos.workers import Nursery, Worker, nursery

POINTS = (
    "claims.take after commit",
    "Sender.send_ad before",
    "claims.record_sent before",
)
POSTS = 2
LONGEST_SECONDS = 120.0
HIDE = "UPDATE post_jobs SET due_at = 'infinity'"
SHOW = """
    UPDATE post_jobs SET due_at = now() WHERE id IN (
        SELECT id FROM post_jobs WHERE due_at = 'infinity' ORDER BY id LIMIT $1)
"""
BEATS = "SELECT COUNT(*) FROM heartbeats"
SENDING = "SELECT array_agg(id ORDER BY id) FROM post_jobs WHERE status = 'sending'"


async def measure(folder: Path) -> float:
    """The longest time, in seconds."""
    channels = POSTS * len(POINTS)
    async with (
        stage(folder, channels=channels, people=3, durable=False) as scene,
        nursery(folder) as young,
    ):
        engine = database.create_engine(scene.settings()["DATABASE_URL"])
        market = Market(database.create_sessions(engine), scene.telegram.facts)
        await market.open(advertisers=1, ads=1)
        await market.stock(channels, promised_hours=24, at_once=1)
        await scene.fetch(HIDE)
        heir = await _ready_heir(scene, young)
        died: dict[int, float] = {}
        for point in POINTS:
            await scene.fetch(SHOW, POSTS)
            worker = young.start(scene.settings(), Failpoint(point, 1, signal.SIGKILL))
            await _until_dead(worker)
            moment = time.monotonic()
            for job_id in await scene.fetch(SENDING):
                died.setdefault(job_id, moment)
        young.send(heir, signal.SIGCONT)
        longest = await _until_taken_over(scene, died)
        await engine.dispose()
    return longest


async def _until_dead(worker: Worker) -> None:
    await asyncio.wait_for(worker.ended.wait(), LONGEST_SECONDS)
    if worker.signal != signal.SIGKILL:
        raise RuntimeError(f"a worker ended otherwise, with status {worker.status}")


async def _ready_heir(scene: Stage, young: Nursery) -> Worker:
    """A scheduler that runs and stands still."""
    heir = young.start(scene.settings())

    async def beats() -> bool:
        return bool(await scene.fetch(BEATS))

    await until(beats, LONGEST_SECONDS, "the scheduler does not beat")
    young.send(heir, signal.SIGSTOP)
    return heir


async def _until_taken_over(scene: Stage, died: dict[int, float]) -> float:
    lain: dict[int, float] = {}

    async def all_taken() -> bool:
        still = set(await scene.fetch(SENDING) or ())
        now = time.monotonic()
        for job_id in died.keys() - still - lain.keys():
            lain[job_id] = now - died[job_id]
        return len(lain) == len(died)

    await until(all_taken, LONGEST_SECONDS, "nobody takes over", every=0.1)
    return max(lain.values())
