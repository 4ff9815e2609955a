"""Define the drills of incidents in which something around the product fails."""

import asyncio

import aiohttp

from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Json
from sandbox.demo.scenario import channel_posts, expect, extract_ad
from tests.drills.report import Report
from tests.drills.world import World

SLA_SECONDS = 7 * 24 * 3600
"""How far the drill moves the clock. This is more than ESCROW_SLA."""
PROBE_GAP_SECONDS = 6 * 60
"""How far the drill moves the clock between two searches. This is more than PROBE_GAP."""
_SEARCHES = 12
_SEARCH_SECONDS = 10.0
_STOP = "adtech killswitch stop SWITCH REASON --as ID"


async def escrow_stuck(world: World, report: Report) -> None:
    """Stop posting while a post waits, until its escrow is held for longer than ESCROW_SLA."""
    with report.phase("trigger", "the worker is stopped, a placement is approved, time passes"):
        await world.play("placement bought")
        for key in ("worker_post", "refunds"):
            await _stop(world, key)
        await _approve(world)
        await world.control.post("/clock", seconds=SLA_SECONDS)
    with report.phase("see", "the watchdog writes it into the log"):
        await world.log_says("[CRON] Escrow watchdog triggered")
    with report.phase("see", "the commands list the escrow"):
        await world.shell("adtech report held", status=1)
        await world.shell("adtech report job_statuses")
        await world.shell("adtech killswitch list")
    with report.phase("stop", "payouts and holds are stopped"):
        for key in ("payouts", "new_escrows"):
            await _stop(world, key)
    with report.phase("repair", "refunds run again, and the advertiser has the money back"):
        await world.run_switch("refunds")
        await _until_escrow(world, "refunded")
    with report.phase("verify", "nothing is held, and the books are clean"):
        await world.shell("adtech report held")
        await world.shell("adtech report escrow_statuses")
        await world.check_books()


async def telegram_outage(world: World, report: Report) -> None:
    """Let every call of the Bot API fail while a post is due."""
    with report.phase("trigger", "every call of Telegram is reset while a post is due"):
        await world.play("placement bought")
        # Without a known message in the channel, no search can prove that a post is absent.
        await _write_in_channel(world)
        await _stop(world, "worker_post")
        await _approve(world)
        await world.run_switch("worker_post")
        await world.control.post("/faults", method="*", kind="refuse_before", times=100_000)
    with report.phase("see", "the log says it"):
        await world.log_says("Telegram send failed")
    with report.phase("see", "the post waits, or it is uncertain whether it is out"):
        await world.shell("adtech report job_statuses")
        if (status := await _job(world)) not in {"queued", "uncertain"}:
            raise Unexpected("a post that is queued or uncertain", status)
    with report.phase("stop", "sending is stopped from the shell, without Telegram"):
        for key in ("telegram_posting", "worker_post"):
            await _stop(world, key)
    with report.phase("repair", "Telegram answers again, and the switches run"):
        async with world.control.session.delete(world.control.url + "/faults") as answer:
            answer.raise_for_status()
        for key in ("telegram_posting", "worker_post"):
            await world.run_switch(key)
        await _search(world)
    await _verify_post(world, report)


async def redis_outage(world: World, report: Report) -> None:
    """Kill Redis while a post is due."""
    with report.phase("trigger", "Redis is killed"):
        await world.play("placement bought")
        await world.control.post("/processes/valkey/kill", signal=9)
    with report.phase("see", "the page of readiness says that Redis is away"):
        await _until_redis(world, answers=False)
        await world.shell("adtech report job_statuses")
    with report.phase("stop", "the workers are stopped from the shell"):
        for key in ("worker_post", "worker_watchdogs"):
            await _stop(world, key)
    with report.phase("repair", "Redis starts again, and the switches run"):
        await world.control.post("/processes/valkey/start")
        await _until_redis(world, answers=True)
        await _approve(world)
        for key in ("worker_watchdogs", "worker_post"):
            await world.run_switch(key)
        await _until_job(world, "success")
    await _verify_post(world, report)


async def crash_loop(world: World, report: Report) -> None:
    """Damage the ad of a placement, so that sending it always fails."""
    with report.phase("trigger", "the ad of a due post cannot be read"):
        await world.play("placement bought")
        await _stop(world, "worker_post")
        await _approve(world)
        await world.damage("UPDATE campaigns SET creative = '{\"buttons\": 5}'")
        await world.run_switch("worker_post")
    with report.phase("see", "the log says it"):
        await world.log_says("Worker error")
    with report.phase("see", "the commands show the posts"):
        await world.shell("adtech report job_statuses")
    with report.phase("stop", "the worker is stopped"):
        for key in ("worker_post", "payouts"):
            await _stop(world, key)
    with report.phase("repair", "the post is set aside, and the advertiser has the money back"):
        for key in ("worker_post", "payouts"):
            await world.run_switch(key)
        await _until_job(world, "failed")
        await _until_escrow(world, "refunded")
    with report.phase("verify", "the post is a dead letter, and the books are clean"):
        await world.shell("adtech dlq")
        await world.shell("adtech report failed_jobs")
        await world.check_books()


async def _stop(world: World, key: str) -> None:
    world.commands.add(_STOP.replace("SWITCH", key))
    await world.shell(_STOP, switch=key, reason="drill")


async def _approve(world: World) -> None:
    await world.scenario.participants.admin.press(
        "✅ Approve", on=world.scenario.card, chat=world.group, then="Approved by"
    )


async def _write_in_channel(world: World) -> None:
    """Let the owner write in their channel, and wait until the bot knows the message."""
    people = world.scenario.participants
    await world.control.post(
        f"/chats/{people.channel.id}/post", user_id=people.owner.id, text="Welcome"
    )
    await world.books.until(
        "SELECT last_message_id FROM channels WHERE chat_id = $1",
        people.channel.id,
        so=lambda row: bool(row["last_message_id"]),
        expected="the bot knows a message of the channel",
    )


async def _job(world: World) -> str:
    row: Json = await world.books.row(
        "SELECT status FROM post_jobs WHERE campaign_target_id = $1", world.scenario.target_id
    )
    return str(row["status"])


async def _until_job(world: World, status: str) -> None:
    await world.books.until(
        "SELECT status FROM post_jobs WHERE campaign_target_id = $1",
        world.scenario.target_id,
        so=lambda row: bool(row["status"] == status),
        expected=f"the post is {status}",
    )


async def _search(world: World) -> None:
    """Move the clock until the search has found that the post is absent, and it is sent again."""
    for _ in range(_SEARCHES):
        await world.control.post("/clock", seconds=PROBE_GAP_SECONDS)
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                await _until_job(world, "success")
        except TimeoutError:
            continue
        return
    raise Unexpected("the post is out", await _job(world))


async def _until_escrow(world: World, status: str) -> None:
    await world.books.until(
        "SELECT status FROM escrows WHERE campaign_target_id = $1",
        world.scenario.target_id,
        so=lambda row: bool(row["status"] == status),
        expected=f"the escrow is {status}",
    )


async def _until_redis(world: World, *, answers: bool) -> None:
    url = world.sandbox.facts["health_url"] + "/ready"
    async with asyncio.timeout(60), aiohttp.ClientSession() as client:
        while True:
            async with client.get(url) as response:
                if (await response.json())["redis"] is answers:
                    return
            await asyncio.sleep(0.2)


async def _verify_post(world: World, report: Report) -> None:
    with report.phase("verify", "one post is in the channel, and the books are clean"):
        posts = [extract_ad(post) for post in await channel_posts(world.scenario)]
        expect(posts.count(world.scenario.preview), 1, "one post of the ad in the channel")
        for command in (
            "adtech report job_statuses",
            "adtech report escrow_statuses",
            "adtech dlq",
        ):
            await world.shell(command)
        await world.check_books()
