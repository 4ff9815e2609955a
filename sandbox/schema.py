"""Find the database's revision (the last migration), and migrate to the newest revision."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db import address
from db.session import cause
from sandbox import processes
from sandbox.startup_errors import CannotStart

ROOT = Path(__file__).parents[1]
_REVISION = re.compile(r"^(down_)?revision\b[^=]*=\s*(?:[\"'](.+?)[\"']|None)", re.MULTILINE)


@dataclass(frozen=True)
class DatabaseState:
    """The state of a database, which decides whether a migration is needed.

    If `revision` is None, the database has no tables. A kill switch allows or forbids one kind of
    action. `switches_untouched` is true if nobody has changed a kill switch yet.
    """

    revision: str | None
    switches_untouched: bool


async def migrate(
    owner_dsn: str, environment: Mapping[str, str], log: Path, *, own_database: bool
) -> bool:
    """Migrate the database if needed. Return whether there was something to do.

    If `own_database` is true, the database belongs to the sandbox. In this case, the function also
    allows moves of the database's clock. It also sets each kill switch to running if nobody has
    changed this switch yet. Raises CannotStart if the migration fails, or if the database has an
    unknown revision.
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
    """Return two values: the set of all revisions in the folder, and the newest revision."""
    known_revisions: set[str] = set()
    parents: set[str] = set()
    for file in folder.glob("*.py"):
        for down, revision in _REVISION.findall(file.read_text()):
            (parents if down else known_revisions).add(revision)
    heads = known_revisions - parents
    if len(heads) != 1:
        raise CannotStart(f"the migrations have {len(heads)} ends instead of one")
    return known_revisions, heads.pop()
