"""Define the drills of incidents in which something around the product fails."""

import asyncio

import aiohttp

from sandbox.demo.people import Json
from sandbox.demo.scenario import CAMPAIGN, expect
from tests.drills import ads, checks
from tests.drills.drill import Check, Drill
from tests.drills.report import Report
from tests.drills.world import World

SLA_SECONDS = 7 * 24 * 3600
"""How far the drill moves the clock. This is more than ESCROW_SLA."""


async def _hold_for_too_long(world: World) -> None:
    for key in ("worker_post", "refunds"):
        await world.stop(key)
    await ads.approve(world, world.scenario)
    await world.control.post("/clock", seconds=SLA_SECONDS)


async def _repair_held_escrow(world: World, report: Report) -> None:
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
        for key in ("new_escrows", "worker_post", "payouts"):
            await world.run_switch(key)


async def _kill_redis(world: World) -> None:
    await world.control.post("/processes/valkey/kill", signal=9)
    await ads.approve(world, world.scenario)


async def _repair_redis(world: World, report: Report) -> None:
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
        for key in ("worker_post", "worker_watchdogs"):
            await world.run_switch(key)
        await ads.until_job(world.scenario, "success")


async def _redis_answers(world: World) -> None:
    expect(await _ask_redis(world), True, "Redis answers")  # noqa: FBT003 - the expected value


async def _until_redis(world: World, *, answers: bool) -> None:
    async with asyncio.timeout(60):
        while await _ask_redis(world) is not answers:
            await asyncio.sleep(0.2)


async def _ask_redis(world: World) -> bool:
    """Return whether Redis answers, as the page of readiness says."""
    url = world.sandbox.facts["health_url"] + "/ready"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return (await response.json())["redis"] is True


async def _damage_ad(world: World) -> None:
    await world.stop("worker_post")
    await ads.approve(world, world.scenario)
    await world.damage("UPDATE campaigns SET creative = '{\"buttons\": 5}'")
    await world.run_switch("worker_post")


async def _repair_crash_loop(world: World, report: Report) -> None:
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


async def _pause_campaign(world: World) -> None:
    await world.stop("worker_post")
    await ads.approve(world, world.scenario)
    shown = await _open_campaign(world)
    await world.scenario.participants.advertiser.press("⏸ Pause", on=shown, then="▶️ Resume")
    await world.run_switch("worker_post")


async def _resume_campaign(world: World, report: Report) -> None:
    async with report.phase("see", "the commands show the paused campaign and its post"):
        await world.shell("adtech killswitch list")
        expect("paused" in await world.shell("adtech report campaign_statuses"), True, "paused")  # noqa: FBT003 - the expected value
        expect("queued" in await world.shell("adtech report job_statuses"), True, "queued")  # noqa: FBT003 - the expected value
        await world.shell("adtech report held")
        number = world.scenario.target_id
        advertiser = str(world.scenario.participants.advertiser.id)
        await world.chat(
            world.admin, "/placement PLACEMENT", placement=number, then=f"Advertiser: {advertiser}"
        )
    async with report.phase("stop", "nothing has to be stopped: the post waits"):
        expect(await ads.job_status(world.scenario), "queued", "a queued post")
    async with report.phase("repair", "the advertiser resumes the campaign, and the post is out"):
        shown = await _open_campaign(world)
        await world.scenario.participants.advertiser.press("▶️ Resume", on=shown, then="⏸ Pause")
        await ads.until_job(world.scenario, "success")


async def _open_campaign(world: World) -> Json:
    """Open the screen of the campaign as its advertiser."""
    person = world.scenario.participants.advertiser
    menu = await person.say("/start", then="What would you like to do?")
    campaigns = await person.press("📣 Campaigns", on=menu, then=CAMPAIGN)
    return await person.press(CAMPAIGN, on=campaigns, then="Status: ")


_NONE_STUCK = checks.command("adtech report held", "no escrow is held for too long")
ESCROW_STUCK = Drill(
    "escrow_stuck",
    cause="posts and refunds are stopped, an ad is approved, and seven days pass",
    trigger=_hold_for_too_long,
    repair=_repair_held_escrow,
    checks=(_NONE_STUCK, checks.REFUNDED, checks.REPORTS[1], checks.SWITCHES, checks.BOOKS),
)
REDIS_OUTAGE = Drill(
    "redis_outage",
    cause="Redis is killed, and an ad is approved",
    trigger=_kill_redis,
    repair=_repair_redis,
    checks=(
        Check("Redis answers", _redis_answers),
        checks.FIRST_AD,
        *checks.REPORTS,
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
CRASH_LOOP = Drill(
    "crash_loop",
    cause="the ad of a due post cannot be read",
    trigger=_damage_ad,
    repair=_repair_crash_loop,
    checks=(
        checks.REFUNDED,
        checks.command("adtech report failed_jobs", "the report of the failed posts is printed"),
        checks.REPORTS[2],
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
CAMPAIGN_PAUSED = Drill(
    "campaign_paused",
    cause="the advertiser pauses the campaign of a due post",
    trigger=_pause_campaign,
    repair=_resume_campaign,
    checks=(checks.FIRST_AD, *checks.REPORTS, checks.SWITCHES, checks.BOOKS),
    complaint="Advertiser: “My ad was approved, and it is not in the channel. Why?”",
)
