"""Define the drills of incidents in which a process of the product, or its database, dies."""

from functools import partial

from tests.drills import ads, checks
from tests.drills.drill import Check, Drill
from tests.drills.report import Report
from tests.drills.world import World

_SIGKILL, _SIGQUIT = 9, 3
_AWAY = "PostgreSQL does not answer"


async def _kill_scheduler(world: World) -> None:
    await world.control.post("/processes/scheduler/kill", signal=_SIGKILL)
    await world.play("Admin approves it")


async def _kill_bot(world: World) -> None:
    await world.control.post("/processes/bot/kill", signal=_SIGKILL)


async def _crash_database(world: World) -> None:
    await world.control.post("/processes/postgres/kill", signal=_SIGQUIT)


async def _repair_database(world: World, report: Report) -> None:
    async with report.phase("see", "the bot says it in the admin chat"):
        await world.group.shows(_AWAY, since=world.since)
    async with report.phase("see", "the status says it"):
        await world.shell("adtech status", status=3)
    async with report.phase("repair", "the server starts again, and the alert is over"):
        await world.control.post("/processes/postgres/start")
        await world.group.shows("Over", _AWAY, since=world.since)


async def _repair_scheduler(world: World, report: Report) -> None:
    await _see_and_start(world, report, "scheduler", teller="bot")
    async with report.phase("repair", "the ad that waited is published, and its owner is paid"):
        await ads.until_job(world.scenario, "success")
        await world.play("books are clean")


async def _see_and_start(world: World, report: Report, program: str, *, teller: str) -> None:
    """Wait until the program `teller` has reported a dead program, and start this one again."""
    alert = f"No {program} gives a sign of life"
    async with report.phase("see", f"the {teller} says it in the admin chat"):
        await world.group.shows(alert, since=world.since)
    async with report.phase("see", "the status says it"):
        await world.shell("adtech status", status=1)
    async with report.phase("stop", "nothing has to be stopped"):
        await world.shell("adtech killswitch list")
    async with report.phase("repair", f"the {program} starts again, and the alert is over"):
        await world.control.post(f"/processes/{program}/start")
        await world.group.shows("Over", alert, since=world.since)


async def _bot_answers(world: World) -> None:
    await world.chat(world.admin, "/ledger", then="The ledger is clean")


DEAD_SCHEDULER = Drill(
    "dead_scheduler",
    cause="the scheduler is killed, and an ad is approved",
    trigger=_kill_scheduler,
    repair=_repair_scheduler,
    checks=(
        checks.no_alert("scheduler_missing"),
        checks.FIRST_AD,
        checks.command("adtech report job_statuses", "the report of the posts is printed"),
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
DEAD_BOT = Drill(
    "dead_bot",
    cause="the bot is killed",
    trigger=_kill_bot,
    repair=partial(_see_and_start, program="bot", teller="scheduler"),
    checks=(
        checks.no_alert("bot_missing"),
        Check("the bot answers `/ledger`", _bot_answers),
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
DATABASE_AWAY = Drill(
    "database_away",
    cause="the server of the database crashes",
    trigger=_crash_database,
    repair=_repair_database,
    checks=(
        Check("the bot answers `/ledger`", _bot_answers),
        checks.FULL_CHECK,
        checks.command("adtech report job_statuses", "the report of the posts is printed"),
        checks.INCIDENTS,
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
