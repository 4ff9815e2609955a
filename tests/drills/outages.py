"""Define the drills of incidents in which something around the product fails."""

import asyncio

import aiohttp

from sandbox.demo.people import Json
from sandbox.demo.scenario import CAMPAIGN, expect
from tests.drills import ads
from tests.drills.report import Report
from tests.drills.world import World

SLA_SECONDS = 7 * 24 * 3600
SLA_SECONDS = 7 * 24 * 3600
"""How far the drill moves the clock. This is more than ESCROW_SLA."""


async def escrow_stuck(world: World, report: Report) -> None:
    """Stop posting while a post waits, until its escrow is held for longer than ESCROW_SLA."""
    async with report.phase("trigger", "the worker is stopped, an ad is approved, time passes"):
        for key in ("worker_post", "refunds"):
            await world.stop(key)
        await ads.approve(world, world.scenario)
        await world.control.post("/clock", seconds=SLA_SECONDS)
    async with report.phase("see", "the watchdog writes it into the log"):
        await world.log_says("[CRON] Escrow watchdog triggered")
    async with report.phase("see", "the commands list the escrow"):
        await world.shell("adtech report held", status=1)
        await world.shell("adtech report job_statuses")
        await world.shell("adtech killswitch list")
    async with report.phase("stop", "payouts and holds are stopped"):
        for key in ("payouts", "new_escrows"):
            await world.stop(key)
    async with report.phase("repair", "refunds run again, and the advertiser has the money back"):
        await world.run_switch("refunds")
        await ads.until_escrow(world.scenario, "refunded")
    async with report.phase("verify", "nothing is held, and the books are clean"):
        await world.shell("adtech report held")
        await world.shell("adtech report escrow_statuses")
        await world.check_books()


async def redis_outage(world: World, report: Report) -> None:
    """Kill Redis while a post is due."""
    async with report.phase("trigger", "Redis is killed"):
        await world.control.post("/processes/valkey/kill", signal=9)
    async with report.phase("see", "the page of readiness says that Redis is away"):
        await _until_redis(world, answers=False)
        await world.shell("adtech status", status=1)
        await world.shell("adtech report job_statuses")
    async with report.phase("stop", "the workers are stopped from the shell"):
        for key in ("worker_post", "worker_watchdogs"):
            await world.stop(key)
    async with report.phase("repair", "Redis starts again, and the switches run"):
        await world.control.post("/processes/valkey/start")
        await _until_redis(world, answers=True)
        await ads.approve(world, world.scenario)
        for key in ("worker_watchdogs", "worker_post"):
            await world.run_switch(key)
        await ads.until_job(world.scenario, "success")
    await ads.verify(world, report, world.scenario)


async def crash_loop(world: World, report: Report) -> None:
    """Damage the ad of a placement, so that sending it always fails."""
    async with report.phase("trigger", "the ad of a due post cannot be read"):
        await world.stop("worker_post")
        await ads.approve(world, world.scenario)
        await world.damage("UPDATE campaigns SET creative = '{\"buttons\": 5}'")
        await world.run_switch("worker_post")
    async with report.phase("see", "the log says it"):
        await world.log_says("Worker error")
    async with report.phase("see", "the commands show the posts"):
        await world.shell("adtech report job_statuses")
    async with report.phase("stop", "the worker is stopped"):
        for key in ("worker_post", "payouts"):
            await world.stop(key)
    async with report.phase("repair", "the post fails, and the advertiser has the money back"):
        for key in ("worker_post", "payouts"):
            await world.run_switch(key)
        await ads.until_job(world.scenario, "failed")
        await ads.until_escrow(world.scenario, "refunded")
    async with report.phase("verify", "the post is a dead letter, and the books are clean"):
        await world.shell("adtech dlq")
        await world.shell("adtech report failed_jobs")
        await world.check_books()


async def _until_redis(world: World, *, answers: bool) -> None:
    url = world.sandbox.facts["health_url"] + "/ready"
    async with asyncio.timeout(60), aiohttp.ClientSession() as client:
        while True:
            async with client.get(url) as response:
                if (await response.json())["redis"] is answers:
                    return
            await asyncio.sleep(0.2)


async def campaign_paused(world: World, report: Report) -> None:
    """Pause the campaign of an approved ad."""
    person = world.scenario.participants.advertiser
    async with report.phase("trigger", "the advertiser pauses the campaign of a due post"):
        await world.stop("worker_post")
        await ads.approve(world, world.scenario)
        shown = await _open_campaign(world)
        await person.press("⏸ Pause", on=shown, then="▶️ Resume")
        await world.run_switch("worker_post")
    async with report.phase("see", "the commands show the paused campaign and its post"):
        await world.shell("adtech killswitch list")
        expect("paused" in await world.shell("adtech report campaign_statuses"), True, "paused")  # noqa: FBT003 - the expected value
        expect("queued" in await world.shell("adtech report job_statuses"), True, "queued")  # noqa: FBT003 - the expected value
        await world.shell("adtech report held")
    async with report.phase("stop", "nothing has to be stopped: the post waits"):
        expect(await ads.job_status(world.scenario), "queued", "a queued post")
    async with report.phase("repair", "the advertiser resumes the campaign, and the post is out"):
        await person.press("▶️ Resume", on=await _open_campaign(world), then="⏸ Pause")
        await ads.until_job(world.scenario, "success")
    await ads.verify(world, report, world.scenario)


async def _open_campaign(world: World) -> Json:
    """Open the screen of the campaign as its advertiser."""
    person = world.scenario.participants.advertiser
    menu = await person.say("/start", then="What would you like to do?")
    campaigns = await person.press("📣 Campaigns", on=menu, then=CAMPAIGN)
    return await person.press(CAMPAIGN, on=campaigns, then="Status: ")
