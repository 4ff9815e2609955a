"""Define the `adtech` command that checks whether a release may begin."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import logging
from bot.cli import database_problems
from bot.cli.commands import LAUNCH, OWNER, command
from bot.cli.database_problems import OTHER_SCHEMA
from bot.cli.shell import REFUSED, read_all_settings
from bot.cli.tables import out
from bot.readiness import PREVIOUS_REVISION
from bot.settings import Settings
from db.money import STARS
from db.session import create_engine, create_sessions, is_away, sqlstate
from services.money import incidents
from services.platform import heartbeats, killswitches

CUSTOM_FORMAT = b"PGDMP"
"""The first bytes of a backup in the custom format of `pg_dump`."""
BACKUP_AGE = timedelta(hours=2)
"""A backup that is older than this does not count as fresh."""
_MIGRATIONS = Path(__file__).parents[2] / "migrations/versions"
_NEEDED = (
    *("intake_database_url", "clock_database_url", "reports_database_url"),
    *("migration_database_url", "super_admin_ids", "support_contact"),
)
"""The settings that a release needs beyond those that every start needs."""

_TABLES = text(
    "SELECT count(*) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
)
_REVISION = text("SELECT max(version_num) FROM alembic_version")
_LAST_CHECK = text(
    "SELECT violations, extract(epoch FROM clock() - created_at) / 60 AS minutes"
    " FROM ledger_checkpoints ORDER BY id DESC LIMIT 1"
)

Backup = Annotated[
    Path | None,
    typer.Option(help="The backup that was made for this release. The first release has none."),
]
T = TypeVar("T")
app = typer.Typer(no_args_is_help=True)


class Failed(Exception):
    """A check found a reason against the release. The message says what to do."""


@command(
    app,
    group=LAUNCH,
    example="adtech predeploy --backup /backups/adtech_20260301_120000.dump",
    needs=f"all settings of all processes, {OWNER} too",
)
def predeploy(backup: Backup = None) -> None:
    """Check whether a release may begin, and print PASS or FAIL for each check.

    Run the command of the new release, with the settings of all processes together: it connects
    with each login. The exit status is 1 if a check fails. The command changes nothing, except that
    a violated rule of the ledger stops the money, as with `adtech check`. In a database without
    tables, it checks the settings and the logins alone: nothing is there that could be lost.
    """
    configured = read_all_settings()
    logging.setup(configured)
    database = configured.database_url
    clock = configured.clock_database_url or database
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: _check_settings(configured),
        **{name: partial(_check_login, url) for name, url in _addresses(configured).items()},
        "schema": lambda: _check_schema(database),
    }
    if _is_empty(database):
        checks["schema"] = lambda: "the database has no tables: the first release; migrate next"
    else:
        checks |= {
            "backup": lambda: _check_backup(backup),
            "switches": lambda: _check_switches(database),
            "incidents": lambda: _check_incidents(database),
            "ledger": lambda: _check_ledger(clock),
        }
    results = [(name, *_result(name, check)) for name, check in checks.items()]
    for name, passed, words in results:
        out.print(
            f"{'PASS' if passed else 'FAIL'}  {name:<22}  {words}",
            style=None if passed else "bold red",
            markup=False,
            highlight=False,
        )
    failed = sum(not passed for _, passed, _ in results)
    if failed:
        out.print(f"{failed} of {len(results)} checks failed: do not begin the release.")
        raise typer.Exit(REFUSED)
    out.print(f"All {len(results)} checks passed: the release may begin.")


def _result(name: str, check: Callable[[], str]) -> tuple[bool, str]:
    """Run a check, and return whether it passed, and what was found.

    A check of a login has the name of its setting.
    """
    try:
        return True, check()
    except Failed as failure:
        return False, str(failure)
    except Exception as error:
        if not (isinstance(error, DBAPIError) or is_away(error)):
            raise
        setting = name if name.isupper() else "DATABASE_URL"
        return False, database_problems.explain(error, setting)


def _ask(url: SecretStr, action: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run an action in one transaction on a new connection, and return the action's result."""

    async def run() -> T:
        engine = create_engine(url.get_secret_value())
        try:
            async with create_sessions(engine).begin() as session:
                return await action(session)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _check_settings(configured: Settings) -> str:
    missing = [name.upper() for name in _NEEDED if not getattr(configured, name)]
    if missing:
        raise Failed(f"set {', '.join(missing)}")
    if configured.environment != "production":
        raise Failed(f"ENVIRONMENT is {configured.environment}: set it to production")
    if configured.currency != STARS:
        return f"complete; currency {configured.currency}: read docs/payments.md"
    return f"complete; currency {configured.currency}"


def _check_backup(path: Path | None) -> str:
    if path is None:
        raise Failed("make a backup, and give its file with --backup")
    try:
        with path.open("rb") as file:
            begins = file.read(len(CUSTOM_FORMAT))
        facts = path.stat()
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}; make a backup") from None
    if not begins:
        raise Failed(f"{path} is empty: make a backup")
    if begins != CUSTOM_FORMAT:
        raise Failed(f"{path} is no backup of pg_dump --format=custom")
    age = datetime.now(UTC) - datetime.fromtimestamp(facts.st_mtime, UTC)
    if age > BACKUP_AGE:
        raise Failed(f"{path} is {age.total_seconds() / 3600:.1f} hours old: make a new backup")
    return f"{facts.st_size} bytes, {age.total_seconds() / 60:.0f} minutes old"


def _addresses(configured: Settings) -> dict[str, SecretStr]:
    """Return the given addresses of PostgreSQL, by the usual names of the database roles."""
    names = ("database_url", *(name for name in _NEEDED if name.endswith("database_url")))
    given = {name.upper(): getattr(configured, name) for name in names}
    return {name: url for name, url in given.items() if url is not None}


def _check_login(url: SecretStr) -> str:
    async def read_login(session: AsyncSession) -> tuple[str, str]:
        query = text("SELECT current_user, current_setting('server_version')")
        role, version = (await session.execute(query)).one()
        return role, version.partition(" ")[0]

    role, version = _ask(url, read_login)
    return f"{role} connects to PostgreSQL {version}"


def _is_empty(url: SecretStr) -> bool:
    """Return whether the database has no tables, so that this is the first release."""

    async def count(session: AsyncSession) -> int:
        return int(await session.scalar(_TABLES) or 0)

    try:
        return _ask(url, count) == 0
    except Exception as error:
        if not (isinstance(error, DBAPIError) or is_away(error)):
            raise
        return False  # the check of the schema says why


def _check_schema(url: SecretStr) -> str:
    """Check that the old processes can go on when this release's migrations have run.

    The code of a release was tried on the schema of the next one, and on no later schema. So a
    database that is older than the release before this one needs that no old process runs.
    """

    async def read(session: AsyncSession) -> tuple[str, dict[str, int]]:
        revision = await session.scalar(_REVISION)
        return str(revision or "none"), dict(await heartbeats.count_alive(session))

    current, alive = _ask(url, read)
    known = known_revisions()
    if current not in known:
        raise Failed(f"this release does not know revision {current}: deploy a newer release")
    missing = known.index(current)
    if not missing:
        return f"revision {current}, as this release needs it"
    behind = f"revision {current}, {missing} behind {known[0]}"
    if current >= PREVIOUS_REVISION:
        return f"{behind}: migrate next"
    running = ", ".join(f"{count} {name}" for name, count in alive.items() if count)
    if running:
        raise Failed(
            f"revision {current} is older than {PREVIOUS_REVISION}, from which this release was"
            f" tried, and old processes run ({running}): deploy the releases between them first,"
            " or stop all bots and schedulers, and check again"
        )
    return f"{behind}: nothing runs, so migrate next; only the backup leads back"


def known_revisions() -> list[str]:
    """Return the revisions of the schema that this release knows, the newest first.

    A migration's file begins with its revision: `0019_name.py`.
    """
    # Alembic would read the same from all files. Its import would delay every command.
    files = sorted(_MIGRATIONS.glob("[0-9]*_*.py"), reverse=True)
    return [file.name.partition("_")[0] for file in files]


def _check_switches(url: SecretStr) -> str:
    states = _ask(url, killswitches.overview)
    missing = [state.key.value for state in states if state.missing]
    if missing:
        raise Failed(f"no row of {', '.join(missing)}: see the runbook")
    running = [state.key.value for state in states if state.enabled]
    stopped = [f"{state.key.value} ({state.reason})" for state in states if not state.enabled]
    return f"running: {', '.join(running) or 'none'}; STOPPED: {', '.join(stopped) or 'none'}"


def _check_incidents(url: SecretStr) -> str:
    found = _ask(url, incidents.open_incidents)
    if found:
        named = ", ".join(f"{incident.id} ({incident.kind})" for incident in found)
        raise Failed(f"open: {named}; end them first, /incidents shows them")
    return "none is open"


def _check_ledger(url: SecretStr) -> str:
    try:
        violations = _ask(url, incidents.check_ledger_invariant)
    except DBAPIError as error:
        if sqlstate(error) not in OTHER_SCHEMA:
            raise
        return _read_last_check(url)
    if violations:
        named = ", ".join(violation.name for violation in violations)
        raise Failed(f"violated: {named}; the money is stopped, see the runbook")
    return "all invariants hold"


def _read_last_check(url: SecretStr) -> str:
    """Return what the old release found. This release's rules need tables that come with it."""

    async def read(session: AsyncSession) -> tuple[int, float] | None:
        row = (await session.execute(_LAST_CHECK)).first()
        return None if row is None else (row.violations, row.minutes)

    last = _ask(url, read)
    if last is None or last[0] or last[1] > BACKUP_AGE.total_seconds() / 60:
        raise Failed("the old release has not checked it lately: let its `adtech check` say more")
    return f"the old release found no violation {last[1]:.0f} minutes ago"
