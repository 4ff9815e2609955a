"""Define the drills of incidents in which a process of the product dies."""

from tests.drills.report import Report
from tests.drills.world import World

_SIGKILL = 9


async def dead_scheduler(world: World, report: Report) -> None:
    """Kill the scheduler, and start it again while an ad is bought."""
    with report.phase("trigger", "the scheduler is killed"):
        since = await _kill(world, "scheduler")
    with report.phase("see", "the bot says it in the admin chat"):
        await world.group.shows("No scheduler gives a sign of life", since=since)
    with report.phase("see", "the status says it"):
        await world.shell("adtech status", status=1)
    with report.phase("stop", "nothing has to be stopped"):
        await world.shell("adtech killswitch list")
    with report.phase("repair", "the scheduler starts again"):
        await world.control.post("/processes/scheduler/start")
        await world.group.shows("Over", "No scheduler gives a sign of life", since=since)
    with report.phase("verify", "an ad is bought, published and paid for; the books are clean"):
        await world.play("books are clean")
        await world.shell("adtech report job_statuses")
        await world.check_books()


async def dead_bot(world: World, report: Report) -> None:
    """Kill the bot, and start it again."""
    with report.phase("trigger", "the bot is killed"):
        since = await _kill(world, "bot")
    with report.phase("see", "the scheduler says it in the admin chat"):
        await world.group.shows("No bot gives a sign of life", since=since)
    with report.phase("see", "the status says it"):
        await world.shell("adtech status", status=1)
    with report.phase("stop", "nothing has to be stopped"):
        await world.shell("adtech killswitch list")
    with report.phase("repair", "the bot starts again"):
        await world.control.post("/processes/bot/start")
        await world.group.shows("Over", "No bot gives a sign of life", since=since)
    with report.phase("verify", "the bot answers, and the books are clean"):
        await world.chat(world.admin, "/ledger", then="The ledger is clean")
        await world.check_books()


async def _kill(world: World, name: str) -> int:
    """Kill a process, and return the version of the admin chat before."""
    since = await world.group.version()
    await world.control.post(f"/processes/{name}/kill", signal=_SIGKILL)
    return since
