"""Define the checks of a repair that several drills share."""

import asyncpg

from sandbox.demo.books import INVARIANTS, UNIQUENESS
from sandbox.demo.errors import Unexpected
from sandbox.demo.scenario import Scenario, expect
from tests.drills import ads
from tests.drills.drill import Check
from tests.drills.world import World

_STOPPED = """
    SELECT k.key FROM kill_switches k
    WHERE k.key NOT IN (SELECT key FROM running_switches) ORDER BY k.key
"""


async def _books(world: World) -> None:
    await world.books.check_all(INVARIANTS)
    await world.books.check_all(UNIQUENESS)


async def _full_check(world: World) -> None:
    await world.shell("adtech check --full")


async def _incidents(world: World) -> None:
    rows = await world.books.rows(
        "SELECT id, kind FROM incidents WHERE closed_at IS NULL ORDER BY id"
    )
    expect([f"#{row['id']} {row['kind']}" for row in rows], [], "open incidents")


async def _switches(world: World) -> None:
    rows = await world.books.rows(_STOPPED)
    expect([row["key"] for row in rows], [], "stopped switches")


async def _first_ad(world: World) -> None:
    await _published(world.scenario)


async def _both_ads(world: World) -> None:
    await _published(world.scenario)
    await _published(world.other)


async def _published(ad: Scenario) -> None:
    expect(await ads.job_status(ad), "success", f"the post of placement {ad.target_id}")
    await ads.expect_one_post(ad)


async def _refunded(world: World) -> None:
    ad = world.scenario
    row = await ad.books.row(
        "SELECT status FROM escrows WHERE campaign_target_id = $1", ad.target_id
    )
    expect(row["status"], "refunded", f"the escrow of placement {ad.target_id}")


BOOKS = Check("the books are clean", _books)
FULL_CHECK = Check("`adtech check --full` finds nothing", _full_check)
INCIDENTS = Check("no incident is open", _incidents)
SWITCHES = Check("every switch runs", _switches)
FIRST_AD = Check("the ad is published once", _first_ad)
BOTH_ADS = Check("each ad is published once", _both_ads)
REFUNDED = Check("the advertiser has the money back", _refunded)


def command(line: str, what: str) -> Check:
    """Return the check that a command without placeholders ends with status 0."""

    async def act(world: World) -> None:
        await world.shell(line)

    return Check(what, act)


def no_alert(name: str) -> Check:
    """Return the check that an alert is over."""

    async def act(world: World) -> None:
        rows = await world.books.rows("SELECT name FROM alerts WHERE firing AND name = $1", name)
        expect([row["name"] for row in rows], [], "firing alerts")

    return Check(f"the alert `{name}` is over", act)


REPORTS = (
    command("adtech report job_statuses", "the report of the posts is printed"),
    command("adtech report escrow_statuses", "the report of the escrows is printed"),
    command("adtech dlq", "the list of failed posts is printed"),
)


async def hold(check: Check, world: World) -> str | None:
    """Run a check, and return why it fails, or None if it passes.

    A database that does not answer, or has no tables, makes the check fail.
    """
    try:
        await check.act(world)
    except Unexpected as error:
        return str(error)
    except (asyncpg.PostgresError, OSError) as error:
        return f"the database does not answer as it should: {type(error).__name__}"
    return None
