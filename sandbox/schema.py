"""Read the database's schema revision, and migrate the database."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db import address
from db.session import cause
from sandbox import processes
from sandbox.telegram.startup_errors import CannotStart

ROOT = Path(__file__).parents[1]
_REVISION = re.compile(r"^(down_)?revision\b[^=]*=\s*(?:[\"'](.+?)[\"']|None)", re.MULTILINE)


@dataclass(frozen=True)
class DatabaseState:
    """The facts that decide whether a database needs a migration.

    If `revision` is None, the database has no tables.
    """

    revision: str | None
    switches_untouched: bool


async def migrate(
    owner_dsn: str, environment: Mapping[str, str], log: Path, *, own_database: bool
) -> bool:
    """Migrate the database if needed, and return whether there was something to do.

    `own_database` means that the database belongs to the sandbox. The function then allows moves of
    the clock, and sets unchanged kill switches to running. Raises CannotStart if the migration
    fails, or if the database has an unknown revision.
    """
    state = await _inspect(owner_dsn)
    known_revisions, head = _revisions(ROOT / "migrations/versions")
    if state.revision is not None and state.revision not in known_revisions:
        advice = "; `make clean` removes the sandbox's data" if own_database else ""
        raise CannotStart(
            f"the database has a schema ({state.revision}) that this program ({head}) does not"
            f" know{advice}"
        )
    if state.revision == head and not (own_database and state.switches_untouched):
        return False
    # A separate process loads alembic and the services, so that they are loaded only if needed.
    child = processes.spawn(
        [
            sys.executable,
            *processes.module("sandbox.prepare", *(("--ours",) if own_database else ())),
        ],
        name="prepare",
        cwd=log.parent,
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


async def _inspect(owner_dsn: str) -> DatabaseState:
    try:
        connection = await asyncpg.connect(**address.parse(owner_dsn).connect_arguments())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(f"the database does not answer: {cause(error)}") from error
    try:
        if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            return DatabaseState(None, switches_untouched=True)
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        if not await connection.fetchval("SELECT to_regclass('kill_switches') IS NOT NULL"):
            return DatabaseState(revision, switches_untouched=True)
        untouched = await connection.fetchval(
            # Before revision 0012, the reason was written with a space.
            "SELECT bool_and(reason IN ('created stopped', 'created_stopped')) FROM kill_switches"
        )
        return DatabaseState(revision, switches_untouched=bool(untouched))
    finally:
        await connection.close()


def _revisions(folder: Path) -> tuple[set[str], str]:
    known_revisions: set[str] = set()
    parents: set[str] = set()
    for file in folder.glob("*.py"):
        for down, revision in _REVISION.findall(file.read_text()):
            (parents if down else known_revisions).add(revision)
    heads = known_revisions - parents
    if len(heads) != 1:
        raise CannotStart(f"the migrations have {len(heads)} ends instead of one")
    return known_revisions, heads.pop()
