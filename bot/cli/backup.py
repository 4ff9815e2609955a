"""Define the `adtech` commands that make and verify a backup of the database."""

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import asyncpg
import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli import backup_archive, ledger, postgres_programs
from bot.cli.commands import DATABASE, OWNER, RESTORE, command
from bot.cli.postgres_programs import ProgramError, Programs
from bot.cli.shell import REFUSED, read_settings, run_all, run_once
from bot.cli.tables import err, out
from db import address
from db.session import create_engine, create_sessions
from services.money.invariants import Violation

T = TypeVar("T")
NAME = "adtech_"
SUFFIX = ".dump"
_SERVER_VERSION = text("SELECT current_setting('server_version_num')::integer / 10000")
Scratch = Annotated[
    str | None,
    typer.Option(
        envvar="SCRATCH_DATABASE_URL",
        help="The address of a server whose role may create a database: the backup is restored"
        " there, checked, and dropped again.",
    ),
]

app = typer.Typer(no_args_is_help=True)


@command(
    app,
    group=RESTORE,
    example="adtech backup /backups --keep 14",
    needs=f"{OWNER}, and pg_dump of the server's version or newer",
)
def backup(
    to: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The new file, or a folder: its name is the time."),
    ],
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="In the folder, delete all but this many backups afterwards."),
    ] = None,
    *,
    verify: Annotated[bool, typer.Option(help="Also restore it, as `verify-backup` does.")] = False,
    scratch: Scratch = None,
) -> None:
    """Write a backup of the database, and read it again to its end.

    Only its owner can read the file.
    """
    if verify and not scratch:
        err.print("--verify needs --scratch or SCRATCH_DATABASE_URL, the address of a server.")
        raise typer.Exit(2)
    if to.is_dir():
        to = to / f"{NAME}{datetime.now(UTC):%Y%m%d_%H%M%S}{SUFFIX}"
    if to.exists():
        err.print(f"{to} exists already. Choose another name.")
        raise typer.Exit(REFUSED)
    configured = read_settings("MIGRATION_DATABASE_URL")
    major = run_once(server_version, as_owner=True)
    url = configured.migration_database_url
    if url is None:  # `run_once` has ended the process in this case
        raise typer.Exit(2)
    programs = explained(lambda: postgres_programs.find(major, configured.pg_bin))
    explained(lambda: _write(programs, url.get_secret_value(), to))
    out.print(f"{to}: {to.stat().st_size} bytes, read to the end.")
    if verify and scratch:
        _verify(to, scratch)
    for old in _surplus(to, keep):
        old.unlink()
        out.print(f"{old}: deleted (--keep {keep})")


@command(
    app,
    group=RESTORE,
    example="adtech verify-backup FILE --scratch postgresql://USER:PASSWORD@HOST/postgres",
    needs=f"{DATABASE}, SCRATCH_DATABASE_URL or --scratch, and pg_restore",
)
def verify_backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file that `adtech backup` has written.")
    ],
    scratch: Scratch = None,
) -> None:
    """Restore a backup into a new database of another server, and check every row there.

    The new database is dropped afterwards. The exit status is 1 if the backup cannot be restored,
    or if an invariant is violated in it.
    """
    if not scratch:
        err.print("Give --scratch or SCRATCH_DATABASE_URL, the address of a server.")
        raise typer.Exit(2)
    _verify(file, scratch)


def explained(act: Callable[[], T]) -> T:
    """Return the result of an act. If a program fails, print why and exit with status 1."""
    try:
        return act()
    except ProgramError as error:
        err.print(str(error), markup=False)
        raise typer.Exit(REFUSED) from None


async def server_version(session: AsyncSession) -> int:
    """Return the major version of the server."""
    return int((await session.execute(_SERVER_VERSION)).scalar_one())


def _write(programs: Programs, url: str, to: Path) -> None:
    """Write a backup. The file gets its name when it is complete and was read to its end."""
    partial = to.with_name(f".{to.name}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise ProgramError(f"{to} cannot be written: {error.strerror}.") from error
    try:
        programs.run(
            "pg_dump",
            *("--format=custom", "--no-password", f"--file={partial}"),
            environment=postgres_programs.environment_of(url),
        )
        backup_archive.open_archive(partial, programs.major, programs.folder)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(to)
    finally:
        partial.unlink(missing_ok=True)


def _surplus(newest: Path, keep: int | None) -> list[Path]:
    """Return the backups in a folder except the `keep` newest ones. For None, return no backup."""
    if keep is None:
        return []
    backups = sorted(
        (path for path in newest.parent.glob(f"{NAME}*{SUFFIX}") if path != newest),
        key=lambda path: path.stat().st_mtime,
    )
    return backups[: max(len(backups) + 1 - keep, 0)]


def _verify(file: Path, scratch: str) -> None:
    try:
        address.parse(scratch)
    except ValueError as problem:
        err.print(f"--scratch {problem}")
        raise typer.Exit(2) from None
    violations = explained(lambda: run_all(lambda _sessions: _check_copy(file, scratch)))
    if violations:
        ledger.print_violations(violations)
        err.print(f"{file} breaks these rules. Do not restore it.")
        raise typer.Exit(REFUSED)
    out.print(f"{file}: restored into a scratch database; all invariants hold.")


async def _check_copy(file: Path, scratch: str) -> list[Violation]:
    """Restore a backup into a new database of the server `scratch`, and return the violations."""
    connection = await _connect(scratch)
    try:
        archive = backup_archive.open_archive(
            file, connection.get_server_version().major, read_settings("DATABASE_URL").pg_bin
        )
        async with _new_database(connection, scratch) as copy:
            archive.restore(copy, leave_out=backup_archive.is_of_extension, rights=False)
            engine = create_engine(copy)
            try:
                return await ledger.find_violations(create_sessions(engine))
            finally:
                await engine.dispose()
    finally:
        await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(**address.parse(url).connect_arguments())
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ProgramError(f"The scratch server refused the connection: {error}") from error


@asynccontextmanager
async def _new_database(connection: asyncpg.Connection, scratch: str) -> AsyncIterator[str]:
    """Create a database, and yield its address. At the end, drop it."""
    name = f"{NAME}verify_{secrets.token_hex(4)}"
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except asyncpg.InsufficientPrivilegeError:
        raise ProgramError(
            "The role of the scratch address may not create a database. Let it: ALTER ROLE ..."
            " CREATEDB."
        ) from None
    try:
        yield f"{scratch}{'&' if '?' in scratch else '?'}dbname={name}"
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
