"""Check whether a process can work, for the load balancer and for `/health`."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from sqlalchemy import text

from bot import outages
from bot.context import DatabaseAwayError, Dependencies, read_only
from db.session import Sessions
from services.platform import guards, readiness
from services.platform.guards import CachedComparison

REVISION = "0068"
"""The oldest schema revision that this version can use."""
PREVIOUS_REVISION = "0049"
"""The schema revision of the release before this one.

That release's code works on this release's schema, and `make rehearse-deploy` tries it. Before the
first tag, it is the revision from which the steps of the schema are rehearsed.
"""
SECONDS = 5.0
"""A database that does not answer within this time counts as not available."""
NEEDED = ("database", "migrations")
"""The parts without which a process cannot serve.

A process cannot serve either if a kill switch has no row. Redis and the other processes are not
among the parts: a load balancer that takes a bot without Redis out of service would also take
`/killswitch` away.
"""


async def check(dependencies: Dependencies) -> tuple[dict[str, Any], bool]:
    """Return the state of each part that the bot needs, and whether the bot may serve."""
    return await check_parts(
        dependencies.sessions,
        redis=dependencies.storage.alive(),
        comparison=dependencies.guards,
    )


async def check_parts(
    sessions: Sessions, *, redis: Awaitable[bool], comparison: CachedComparison
) -> tuple[dict[str, Any], bool]:
    """Return the state of each part that a process needs, and whether the process may serve.

    `ok` says whether the process may serve. `well` says whether every part works, so a process can
    serve without being well. A stopped kill switch is "disabled" and changes neither. `saves` is
    False while the database answers, but refuses what this process saves. `guards` is False if a
    guard of the database differs from the release: the staff have to act.
    """
    facts: dict[str, Any] = {"ok": False, "well": False, "database": False}
    facts |= {"redis": await redis, "migrations": False}
    try:
        async with asyncio.timeout(SECONDS), read_only(sessions) as session:
            revision = await session.scalar(text("SELECT max(version_num) FROM alembic_version"))
            facts |= await readiness.read_state(session)
            differences = await comparison.differences(session)
            facts["guards"] = not guards.of_same_revision(differences)
    except (DatabaseAwayError, TimeoutError):
        return facts, False
    facts["database"] = True
    facts["migrations"] = revision is not None and revision >= REVISION
    complete = "missing" not in facts["switches"].values()
    facts["ok"] = complete and all(facts[name] for name in NEEDED)
    facts["saves"] = not outages.is_long(outages.DATABASE)
    others = all(facts[name] for name in ("redis", "scheduler", "bot", "guards", "saves"))
    facts["well"] = facts["ok"] and others and not facts["alerts"]
    return facts, facts["ok"]
