"""Define the drill of a restore: posts were published after the backup that is restored."""

import json
from pathlib import Path

import asyncpg

from sandbox import embedded, logins
from sandbox.demo.scenario import expect
from tests.drills import ads
from tests.drills.report import Report
from tests.drills.world import World

_PROGRAMS = ("scheduler", "bot")
_SIGTERM = 15
_TO_PUBLISH = ("refunds", "new_escrows", "telegram_posting", "worker_post")
_WALLETS = "SELECT id, balance FROM wallets ORDER BY id"


async def restored_backup(world: World, report: Report) -> None:
    """Lose the database after two posts were published, and restore a backup from before them."""
    queued, pending = world.scenario, world.other
    backup = world.sandbox.folder / "backup.dump"
    async with report.phase("trigger", "after a backup, two ads are published; the data is lost"):
        await world.stop("worker_post")
        await ads.approve(world, queued)
        await world.shell("adtech backup FILE", file=backup)
        before = await world.books.rows(_WALLETS)
        await world.run_switch("worker_post")
        await ads.approve(world, pending)
        for ad in (queued, pending):
            await ads.until_job(ad, "success")
        since = await world.group.version()
        for name in _PROGRAMS:
            await world.control.post(f"/processes/{name}/kill", signal=_SIGTERM)
        await _replace_database(world.sandbox.folder)
        printed = await world.shell("adtech restore FILE", file=backup)
        expect("1 posts are searched" in printed, True, "one post is searched")  # noqa: FBT003 - the expected value
        for name in reversed(_PROGRAMS):
            await world.control.post(f"/processes/{name}/start")
    async with report.phase("see", "the admin chat says that a backup was restored"):
        await world.group.shows("A backup of the database was restored", since=since)
    async with report.phase("stop", "every switch is stopped"):
        await world.shell("adtech killswitch list")
        running = await world.books.rows("SELECT key FROM running_switches")
        expect(running, [], "no switch runs")
    async with report.phase("repair", "the post is found, nothing is published, no money moves"):
        await ads.until_job(queued, "success")
        await world.shell("adtech report job_statuses")
        await world.shell("adtech withdrawals")
        expect(await world.books.rows(_WALLETS), before, "the balances of the backup")
        await world.shell("adtech check --full")
        await world.close_incidents()
        for key in _TO_PUBLISH:
            await world.run_switch(key)
        # The old card was approved after the backup, and has no buttons any more.
        await ads.open_card(world, pending)
        await ads.approve(world, pending)
        await ads.until_job(pending, "success")
    async with report.phase("verify", "each ad is published once, and the books are clean"):
        for ad in (queued, pending):
            await ads.expect_one_post(ad)
        await world.shell("adtech report unbooked_stars")
        await world.check_books()


async def _replace_database(folder: Path) -> None:
    """Drop the database, and create an empty one with the logins of the product."""
    postgres = folder / "local/postgres"
    facts = json.loads((folder / "local/world.json").read_text())
    words = json.loads((postgres / "passwords.json").read_text())
    socket = facts["migration_database_url"].partition("?host=")[2]
    connection = await asyncpg.connect(
        user=embedded.SUPERUSER,
        password=words[embedded.SUPERUSER],
        database="postgres",
        host=socket,
    )
    try:
        await connection.execute(f"DROP DATABASE {embedded.DATABASE} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {embedded.DATABASE} OWNER {logins.OWNER}")
        await logins.restrict_connections(connection, embedded.DATABASE)
    finally:
        await connection.close()
