"""Is the bot fit to work? For the load balancer, and for `/health`."""

from typing import Any

from sqlalchemy import text

from bot.context import DatabaseAwayError, Dependencies, read_only
from services.platform import readiness

REVISION = "0001"
"""The schema that this version needs; a newer one is fine, since migrations lock nobody out."""


async def check(dependencies: Dependencies) -> tuple[dict[str, Any], bool]:
    """Look at everything the bot needs, name it, and tell whether all of it is there.

    A stopped switch is "disabled" and fine; a switch without a row is not.
    """
    redis = await dependencies.storage.alive()
    facts: dict[str, Any] = {"ok": False, "database": False, "redis": redis, "migrations": False}
    try:
        async with read_only(dependencies.sessions) as session:
            revision = await session.scalar(text("SELECT max(version_num) FROM alembic_version"))
            facts |= await readiness.facts(session)
    except DatabaseAwayError:
        return facts, False
    facts["database"] = True
    facts["migrations"] = revision is not None and revision >= REVISION
    needed = (facts[name] for name in ("database", "redis", "migrations", "scheduler"))
    facts["ok"] = all(needed) and "missing" not in facts["switches"].values()
    return facts, facts["ok"]
