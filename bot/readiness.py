"""Check whether the bot can work, for the load balancer and for `/health`."""

from typing import Any

from sqlalchemy import text

from bot.context import DatabaseAwayError, Dependencies, read_only
from services.platform import readiness

REVISION = "0020"
"""The oldest schema revision that this version can use."""


async def check(dependencies: Dependencies) -> tuple[dict[str, Any], bool]:
    """Return the state of each part that the bot needs, and whether the bot is ready.

    A stopped kill switch is "disabled", and the bot can still be ready.
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
