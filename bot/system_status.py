"""Gather the status of the product for `adtech status` and for `/health`."""

import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot import outages, readiness
from bot.context import DatabaseAwayError, read_only
from bot.storage import FormStorage
from db.session import Sessions, cause, is_missing, is_refused
from services.platform import heartbeats, system_status
from services.platform.system_status import Line, State, Unit

AWAY = "does_not_answer"
REFUSES = "refuses_the_login"
MISSING = "is_missing"
"""The values of the line about a database that cannot be read."""
FAILS = "fails"
CANNOT_SAVE = ("disk_full", "read_only")
_IS_READ_ONLY = text(
    "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
)
_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


async def gather(sessions: Sessions, storage: FormStorage | None, *, sla: timedelta) -> list[Line]:
    """Return all lines of the status. If the database does not answer, its lines are unknown.

    The first line is about the database. `sla` is how long an escrow may hold money without a
    published post. Without `storage`, no REDIS_URL is set, and the line about Redis says so.
    """
    try:
        async with read_only(sessions) as session:
            lines = await system_status.read(session, sla=sla, revision=readiness.REVISION)
            kind = await _outage_kind(session)
        database = Line("database", "answers", Unit.TEXT, State.OK)
        if kind is not None:
            value = kind if kind in CANNOT_SAVE else FAILS
            database = Line("database", value, Unit.TEXT, State.ATTENTION)
    except DatabaseAwayError as error:
        lines = system_status.unknown()
        reason = error.__cause__ or error
        database = Line("database", _problem(reason), Unit.TEXT, State.ATTENTION, cause(reason))
    return [
        database,
        await _redis(storage),
        *lines,
        Line("product_version", product_version(), Unit.TEXT, State.OK),
    ]


async def _outage_kind(session: AsyncSession) -> str | None:
    """Return why the database does not save, or None if it does.

    On a full disk it still answers. Then the processes report it with their heartbeats.
    """
    if await session.scalar(_IS_READ_ONLY):
        return "read_only"
    return outages.kind_in(await heartbeats.sum_facts(session))


def _problem(reason: BaseException) -> str:
    if is_missing(reason):
        return MISSING
    return REFUSES if is_refused(reason) else AWAY


async def _redis(storage: FormStorage | None) -> Line:
    if storage is None:
        return Line("redis", None, Unit.TEXT, State.UNKNOWN)
    if (fault := await storage.fault()) is None:
        return Line("redis", "answers", Unit.TEXT, State.OK)
    return Line("redis", AWAY, Unit.TEXT, State.ATTENTION, fault)


@cache
def product_version() -> str | None:
    """Return the version of this program, or None if its file is missing."""
    try:
        project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))
    except OSError:
        return None
    version: str = project["project"]["version"]
    return version
