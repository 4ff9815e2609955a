"""Define the drill of a restore: posts were published after the backup that is restored."""

import os
import subprocess

from db.models.operations import Switch
from sandbox import binaries
from sandbox.demo.errors import Unexpected
from sandbox.demo.scenario import expect
from tests.drills import ads, checks, pages
from tests.drills.drill import Drill
from tests.drills.report import Report
from tests.drills.world import World

_PROGRAMS = ("scheduler", "bot")
_SIGTERM = 15
_WALLETS = "SELECT id, balance FROM wallets ORDER BY id"
_CREATE = "psql --set ON_ERROR_STOP=1 --file deploy/database.sql postgres"


async def _lose_database(world: World) -> None:
    """Publish two ads after a backup, and drop the database."""
    await world.stop("worker_post")
    await ads.approve(world, world.scenario)
    await world.shell("adtech backup FOLDER", folder=world.backups)
    world.balances = await world.books.rows(_WALLETS)
    await world.run_switch("worker_post")
    await ads.approve(world, world.other)
    for ad in (world.scenario, world.other):
        await ads.until_job(ad, "success")
    _run_psql(world, "--command", "DROP DATABASE adtech WITH (FORCE)", "postgres")


async def _restore(world: World, report: Report) -> None:
    queued, pending = world.scenario, world.other
    async with report.phase("see", "the status says that there is no database"):
        await world.shell("adtech status", status=3)
    async with report.phase("stop", "the programs are stopped"):
        for name in _PROGRAMS:
            await world.control.post(f"/processes/{name}/kill", signal=_SIGTERM)
    async with report.phase("repair", "the backup is restored, with one post to be searched"):
        _run_psql(world, *_CREATE.split()[1:])
        world.commands.add(_CREATE)
        newest = max(world.backups.iterdir())
        printed = await world.shell("adtech restore FILE", file=newest)
        expect("1 posts are searched" in printed, True, "one post is searched")  # noqa: FBT003 - the expected value
        for name in reversed(_PROGRAMS):
            await world.control.post(f"/processes/{name}/start")
        await world.group.shows("A backup of the database was restored", since=world.since)
        await world.shell("adtech killswitch list")
        await world.group.shows("✅ Over: PostgreSQL does not answer", since=world.since)
        running = await world.books.rows("SELECT key FROM running_switches")
        expect(running, [], "no switch runs")
    async with report.phase("repair", "the post is found, nothing is published, no money moves"):
        await ads.until_job(queued, "success")
        await world.shell("adtech report job_statuses")
        await world.shell("adtech withdrawals")
        expect(await world.books.rows(_WALLETS), world.balances, "the balances of the backup")
        await world.shell("adtech check --full")
        await world.close_incidents()
        for key in Switch:
            await world.run_switch(key)
    async with report.phase("repair", "the placement that waited at the backup is approved again"):
        # The old card was approved after the backup, and has no buttons any more.
        await ads.open_card(world, pending)
        await ads.approve(world, pending)
        await ads.until_job(pending, "success")


def _run_psql(world: World, *arguments: str) -> None:
    """Run psql as the administrator of the server, in the folder of the product."""
    done = subprocess.run(
        [binaries.postgres("psql"), "--no-psqlrc", *arguments],
        cwd=pages.ROOT,
        env={"PATH": os.defpath} | world.administrator(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unexpected("psql ends with 0", done.stderr)


RESTORE = Drill(
    "restore",
    cause="after a backup, two ads are published; then the database is lost",
    trigger=_lose_database,
    repair=_restore,
    checks=(
        checks.BOTH_ADS,
        checks.command("adtech report unbooked_stars", "no payment in Stars is missing"),
        checks.FULL_CHECK,
        checks.INCIDENTS,
        checks.SWITCHES,
        checks.BOOKS,
    ),
)
