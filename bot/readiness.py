"""Is the bot fit to work? For the load balancer, and for `/health`."""

from typing import Any

from sqlalchemy import text

from bot.turn import DatabaseAwayError, Wiring, reading
from services import system

REVISION = "0001"
"""The schema that this version needs; a newer one is fine, since migrations lock nobody out."""


async def look(wiring: Wiring) -> tuple[dict[str, Any], bool]:
    """Look at everything the bot needs, name it, and tell whether all of it is there.

    A stopped switch is "disabled" and fine; a switch without a row is not.
    """
    redis = await wiring.storage.alive()
    facts: dict[str, Any] = {"ok": False, "database": False, "redis": redis, "migrations": False}
    try:
        async with reading(wiring.sessions) as session:
            revision = await session.scalar(text("SELECT max(version_num) FROM alembic_version"))
            facts |= await system.readiness(session)
    except DatabaseAwayError:
        return facts, False
    facts["database"] = True
    facts["migrations"] = revision is not None and revision >= REVISION
    needed = (facts[name] for name in ("database", "redis", "migrations", "scheduler"))
    facts["ok"] = all(needed) and "missing" not in facts["switches"].values()
    return facts, facts["ok"]
