"""The database's tables: which revision it has, which ones there are, and the way up."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from sandbox import processes
from sandbox.startup_errors import CannotStart

ROOT = Path(__file__).parents[1]
_REVISION = re.compile(r"^(down_)?revision\b[^=]*=\s*(?:[\"'](.+?)[\"']|None)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What is in the database; no revision: nothing."""

    revision: str | None
    switches_untouched: bool


async def bring_up(
    owner_dsn: str, environment: Mapping[str, str], log: Path, *, ours: bool
) -> bool:
    """Migrate the database if it is not up to date; whether there was something to do.

    `ours` is a database of the sandbox's own: there, switches that nobody ever touched are set
    running, and the clock may be moved. Raises CannotStart, also for a database whose revision
    is not among ours.
    """
    found = await _look(owner_dsn)
    known, head = _revisions(ROOT / "migrations/versions")
    if found.revision is not None and found.revision not in known:
        raise CannotStart(
            f"the database has a newer schema ({found.revision}) than this program ({head})"
        )
    if found.revision == head and not (ours and found.switches_untouched):
        return False
    child = processes.spawn(
        [sys.executable, "-m", "sandbox.prepare", *(("--ours",) if ours else ())],
        name="prepare",
        cwd=Path.cwd(),
        env={**environment, "MIGRATION_DATABASE_URL": owner_dsn},
        log=log,
    )
    try:
        status = await child.wait()
    finally:
        await child.stop()
    if status != 0:
        raise CannotStart(f"the database cannot be migrated: {processes.last_line(log)}")
    return True


async def _look(owner_dsn: str) -> Found:
    try:
        connection = await asyncpg.connect(owner_dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise CannotStart(f"the database does not answer: {type(error).__name__}") from error
    try:
        if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return Found(None, switches_untouched=True)
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        if not await connection.fetchval("SELECT to_regclass('kill_switches') IS NOT NULL"):
            return Found(revision, switches_untouched=True)
        untouched = await connection.fetchval(
            "SELECT bool_and(reason = 'created stopped') FROM kill_switches"
        )
        return Found(revision, switches_untouched=bool(untouched))
    finally:
        await connection.close()


def _revisions(folder: Path) -> tuple[set[str], str]:
    """All revisions of the migrations in the folder, and the newest."""
    known: set[str] = set()
    parents: set[str] = set()
    for file in folder.glob("*.py"):
        for down, revision in _REVISION.findall(file.read_text()):
            (parents if down else known).add(revision)
    heads = known - parents
    if len(heads) != 1:
        raise CannotStart(f"the migrations have {len(heads)} ends instead of one")
    return known, heads.pop()
