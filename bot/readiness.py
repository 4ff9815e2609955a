"""Check whether the bot can work, for the load balancer and for `/health`."""

from typing import Any

from sqlalchemy import text

from bot.context import DatabaseAwayError, Dependencies, read_only
from services.platform import readiness

REVISION = "0012"
"""The oldest schema revision that this version can use. A newer revision works too, because
migrations keep older versions of the program working."""


async def check(dependencies: Dependencies) -> tuple[dict[str, Any], bool]:
    """Return the state of each part that the bot needs, and whether the bot is ready.

    The parts are the database, Redis, the schema, the scheduler and the kill switches. A stopped
    kill switch has the state "disabled", and the bot is still ready. If a kill switch has no row in
    its table, the bot is not ready.
    """
    redis = await dependencies.storage.alive()
    facts: dict[str, Any] = {"ok": False, "database": False, "redis": redis, "migrations": False}
    try:
        async with read_only(dependencies.sessions) as session:
            revision = await session.scalar(text("SELECT max(version_num) FROM alembic_version"))
            facts |= await readiness.read_state(session)
    except DatabaseAwayError:
        return facts, False
    facts["database"] = True
    facts["migrations"] = revision is not None and revision >= REVISION
    needed = (facts[name] for name in ("database", "redis", "migrations", "scheduler"))
    facts["ok"] = all(needed) and "missing" not in facts["switches"].values()
    return facts, facts["ok"]
