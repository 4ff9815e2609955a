"""Check whether the bot can work, for the load balancer and for `/health`."""

from typing import Any

from sqlalchemy import text

from bot.context import DatabaseAwayError, Dependencies, read_only
from services.platform import readiness

REVISION = "0011"
"""The oldest schema revision that this version can use. It can also use every newer revision."""


async def check(dependencies: Dependencies) -> tuple[dict[str, Any], bool]:
    """Return two values: the state of each part that the bot needs, and whether the bot is ready.

    The parts are the database, Redis, the schema, the scheduler and the kill switches. A kill
    switch allows or forbids one kind of action. If a switch is stopped, its state is "disabled",
    and the bot can still be ready. If a switch has no row in its table, the bot is not ready.
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
