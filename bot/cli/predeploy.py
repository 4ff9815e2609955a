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
from bot.cli.shell import REFUSED, read_all_settings
from bot.cli.tables import out
from bot.settings import Settings
from db.money import STARS
from db.session import create_engine, create_sessions, is_away
from services.money import incidents
from services.platform import killswitches

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

Backup = Annotated[
    Path, typer.Option("--backup", help="The backup that was made for this release.")
]
Behind = Annotated[
    int, typer.Option(min=0, help="How many migrations this release brings at most.")
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
def predeploy(backup: Backup, behind: Behind = 1) -> None:
    """Check whether a release may begin, and print PASS or FAIL for each check.

    Run the command of the new release, with the settings of all processes together: it connects
    with each login. The exit status is 1 if a check fails. The command changes nothing, except that
    a violated rule of the ledger stops the money, as with `adtech check`.
    """
    configured = read_all_settings()
    logging.setup(configured)
    database = configured.database_url
    clock = configured.clock_database_url or database
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: _check_settings(configured),
        "backup": lambda: _check_backup(backup),
        **{name: partial(_check_login, url) for name, url in _addresses(configured).items()},
        "schema": lambda: _check_schema(database, behind),
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


def _check_backup(path: Path) -> str:
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


def _check_schema(url: SecretStr, behind: int) -> str:
    """Check that the schema is that of this release, or at most `behind` migrations older.

    Only the release directly before this one has to work on this release's schema.
    """

    async def read_revision(session: AsyncSession) -> str:
        query = text("SELECT coalesce(max(version_num), 'none') FROM alembic_version")
        revision: str = (await session.execute(query)).scalar_one()
        return revision

    current, known = _ask(url, read_revision), known_revisions()
    if current not in known:
        raise Failed(f"this release does not know revision {current}: deploy a newer release")
    missing = known.index(current)
    if missing > behind:
        raise Failed(
            f"revision {current} is {missing} migrations behind {known[0]}: deploy the releases"
            f" between them first, or allow it with --behind {missing}"
        )
    if missing:
        return f"revision {current}, {missing} behind {known[0]}: migrate next"
    return f"revision {current}, as this release needs it"


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
    violations = _ask(url, incidents.check_ledger_invariant)
    if violations:
        named = ", ".join(violation.name for violation in violations)
        raise Failed(f"violated: {named}; the money is stopped, see the runbook")
    return "all invariants hold"
