"""Define the drills of an outage of Telegram, with a small batch of posts that are due."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from functools import partial

from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Json
from sandbox.demo.scenario import Scenario
from tests.drills import ads, checks
from tests.drills.drill import Drill
from tests.drills.report import Report
from tests.drills.world import World

PROBE_GAP_SECONDS = 6 * 60
"""More than PROBE_GAP: the drill moves the clock by this time between two searches for a post."""
_SEARCHES = 12
_SEARCH_SECONDS = 10.0
_SWITCHES = ("telegram_posting", "worker_post")
_PROGRESS = """
    SELECT count(*) FILTER (WHERE status <> 'success') AS open,
        count(*) FILTER (WHERE status = 'uncertain') AS uncertain,
        (SELECT count(*) FROM user_audit_logs WHERE action = 'post_absent') AS searches
    FROM post_jobs
"""
_FIRING = """
    SELECT count(*) AS n FROM alerts WHERE firing AND name IN ('telegram_errors', 'telegram_down')
"""


async def _close_port(world: World) -> None:
    await world.telegram.close()


async def _reset(world: World) -> None:
    await _order_fault(world, "refuse_before")


async def _answer_502(world: World) -> None:
    await _order_fault(world, "html_502")


async def _order_fault(world: World, kind: str) -> None:
    await world.control.post("/faults", method="*", kind=kind, times=1_000_000)


async def _trigger(world: World, *, fail: Callable[[World], Awaitable[None]]) -> None:
    """Let two posts be due, and let Telegram fail in the given way."""
    batch = (world.scenario, world.other)
    # Without a known message in the channel, no search can prove that a post is absent.
    await asyncio.gather(*(_write_in_channel(world, ad) for ad in batch))
    await world.stop("worker_post")
    for ad in batch:
        await ads.approve(world, ad)
    await world.damage("UPDATE post_jobs SET due_at = clock() + interval '1 day'")
    await world.run_switch("worker_post")
    await fail(world)
    await world.damage("UPDATE post_jobs SET due_at = clock()")


async def _repair(world: World, report: Report) -> None:
    batch = (world.scenario, world.other)
    async with report.phase("see", "an alert fires, which the second way sends out"):
        await world.books.until(
            _FIRING, so=lambda row: bool(row["n"]), expected="an alert about Telegram fires"
        )
    async with report.phase("see", "the log and the commands say it"):
        await world.log_says("Telegram send failed")
        shown = await world.shell("adtech status", status=1)
        if not re.search("alerts_firing.*telegram_(errors|down)", shown):
            raise Unexpected("the status names the alert", shown)
        await world.shell("adtech report job_statuses")
        await world.shell("adtech report uncertain")
        for ad in batch:
            if (status := await ads.job_status(ad)) not in {"queued", "uncertain"}:
                raise Unexpected("a post that is queued or uncertain", status)
    async with report.phase("stop", "sending is stopped from the shell, without Telegram"):
        for key in _SWITCHES:
            await world.stop(key)
    async with report.phase("repair", "Telegram answers again, and the switches run"):
        await world.restore_network()
        for key in _SWITCHES:
            await world.run_switch(key)
        await _search(world, batch)


async def _write_in_channel(world: World, ad: Scenario) -> None:
    """Let the owner write in their channel, and wait until the bot knows the message."""
    people = ad.participants
    await world.control.post(
        f"/chats/{people.channel.id}/post", user_id=people.owner.id, text="Welcome"
    )
    await world.books.until(
        "SELECT last_message_id FROM channels WHERE chat_id = $1",
        people.channel.id,
        so=lambda row: bool(row["last_message_id"]),
        expected="the bot knows a message of the channel",
    )


async def _search(world: World, batch: tuple[Scenario, ...]) -> None:
    """Move the clock until the searches have found that posts are absent, and they are sent."""
    for _ in range(_SEARCHES):
        before = await world.books.row(_PROGRESS)
        await world.control.post("/clock", seconds=PROBE_GAP_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SEARCH_SECONDS):
                now = await world.books.until(
                    _PROGRESS,
                    so=partial(_has_searched, before=before),
                    expected="each uncertain post was searched",
                )
                if not now["open"]:
                    return
    raise Unexpected("the posts are out", ", ".join([await ads.job_status(ad) for ad in batch]))


def _has_searched(now: Json, before: Json) -> bool:
    """Return whether the clock has to be moved again, or all posts are out."""
    searched = now["searches"] - before["searches"]
    return not now["open"] or (now["uncertain"] > 0 and searched >= max(before["uncertain"], 1))


def _drill(how: str, fail: Callable[[World], Awaitable[None]]) -> Drill:
    return Drill(
        "telegram_outage",
        cause=f"{how} while two posts are due",
        trigger=partial(_trigger, fail=fail),
        repair=_repair,
        checks=(checks.BOTH_ADS, *checks.REPORTS, checks.SWITCHES, checks.BOOKS),
    )


CLOSED_PORT = _drill("Telegram's port is closed", _close_port)
RESETS = _drill("each request to Telegram is reset", _reset)
BAD_GATEWAY = _drill("each request to Telegram is answered by the status 502", _answer_502)
