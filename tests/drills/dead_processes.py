"""Define the drills of incidents in which a process of the product dies."""

from tests.drills.report import Report
from tests.drills.world import World

_SIGKILL = 9


async def dead_scheduler(world: World, report: Report) -> None:
    """Kill the scheduler, and start it again before an ad is bought."""
    await _kill_and_start(world, report, "scheduler", teller="bot")
    async with report.phase("verify", "an ad is published and paid for; the books are clean"):
        await world.play("books are clean")
        await world.shell("adtech report job_statuses")
        await world.check_books()


async def dead_bot(world: World, report: Report) -> None:
    """Kill the bot, and start it again."""
    await _kill_and_start(world, report, "bot", teller="scheduler")
    async with report.phase("verify", "the bot answers, and the books are clean"):
        await world.chat(world.admin, "/ledger", then="The ledger is clean")
        await world.check_books()


async def _kill_and_start(world: World, report: Report, program: str, *, teller: str) -> None:
    """Kill a program, wait until the program `teller` has reported it, and start it again."""
    alert = f"No {program} gives a sign of life"
    async with report.phase("trigger", f"the {program} is killed"):
        since = await world.group.version()
        await world.control.post(f"/processes/{program}/kill", signal=_SIGKILL)
    async with report.phase("see", f"the {teller} says it in the admin chat"):
        await world.group.shows(alert, since=since)
    async with report.phase("see", "the status says it"):
        await world.shell("adtech status", status=1)
    async with report.phase("stop", "nothing has to be stopped"):
        await world.shell("adtech killswitch list")
    async with report.phase("repair", f"the {program} starts again, and the alert is over"):
        await world.control.post(f"/processes/{program}/start")
        await world.group.shows("Over", alert, since=since)
