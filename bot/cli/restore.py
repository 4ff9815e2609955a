"""Define the `adtech` commands that restore a backup and make it safe to start."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot import readiness
from bot.cli import backup, backup_archive
from bot.cli.commands import OWNER, RESTORE, command
from bot.cli.shell import REFUSED, read_settings, run_all, run_once
from bot.cli.tables import err, out, print_rows
from db.session import Sessions
from services.money import audit_chain, audit_chain_file
from services.platform import restores
from services.platform.restores import Restored

_ENDING_SECONDS = 2.0
"""How long the session of an ended program, for example of `pg_restore`, may still exist."""
_SWITCHES = " TABLE DATA public kill_switches "
"""The table that is not restored. A switch without a row counts as stopped."""
_NEXT = """\
Next:
1. Start the processes: the bot searches the posts, and Telegram's list of Stars is read.
2. adtech check --full
3. Close incident {incident} in the admin chat (/incidents).
4. Run the switches again, one at a time (/killswitch)."""

ChainFile = Annotated[
    Path | None,
    typer.Option("--chain-file", help="The copy of the audit chain. Default: AUDIT_CHAIN_FILE."),
]
app = typer.Typer(no_args_is_help=True)


@command(
    app,
    group=RESTORE,
    example="adtech restore /backups/adtech_20260131_020000.dump",
    needs=f"{OWNER} of a new, empty database, and pg_restore",
)
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file that `adtech backup` has written.")
    ],
    chain_file: ChainFile = None,
) -> None:
    """Restore a backup into an empty database, and make it safe to start (as `restored` does).

    The database needs the logins of docs/deploy.md. Keep the bot
    and the scheduler stopped. Nothing is restored if the file or the database is not right.
    """
    major = run_once(backup.server_version, as_owner=True)
    configured = read_settings("MIGRATION_DATABASE_URL")
    archive = backup.explained(lambda: backup_archive.open_archive(file, major, configured.pg_bin))
    if tables := run_once(restores.count_tables, as_owner=True):
        _refuse(
            f"The database is not empty: it has {tables} tables. Create a new one, and set"
            " MIGRATION_DATABASE_URL to it."
        )
    _require_alone(run_once(restores.other_sessions, as_owner=True))
    url = configured.migration_database_url
    if url is None:  # `run_once` has ended the process in this case
        raise typer.Exit(2)
    address = url.get_secret_value()
    backup.explained(
        lambda: archive.restore(
            address,
            leave_out=lambda line: _SWITCHES in line or backup_archive.is_of_extension(line),
            rights=True,
        )
    )
    out.print(f"{file} is restored. It was made at {archive.made_at}.")
    restored(chain_file)


@command(app, group=RESTORE, example="adtech restored", needs=OWNER)
def restored(chain_file: ChainFile = None) -> None:
    """Finish a restore that another program made, before anything is started.

    `adtech restore` does the same itself. Every kill switch is stopped. Each post that may have
    been published since the backup is searched before it is sent. The ledger continues with the
    transaction number after the last one in the backup. It acts in nobody's name: a person in the
    admin chat closes the incident that it opens.
    """
    path = chain_file or read_settings("MIGRATION_DATABASE_URL").audit_chain_file
    _print(run_all(_finish, as_owner=True))
    _print_lost_links(path)


async def _finish(sessions: Sessions) -> Restored:
    _require_alone(await _find_others(sessions))
    async with sessions.begin() as session:
        if not await restores.count_tables(session):
            _refuse("The database has no tables. Restore a backup first (adtech restore FILE).")
        found = await restores.revision(session)
        if found is None or found < readiness.REVISION:
            _refuse(
                f"The backup has the revision {found} of the schema, and this version needs"
                f" {readiness.REVISION}. Run `alembic upgrade head`, and then `adtech restored`."
                " Start nothing before that."
            )
    async with sessions.begin() as session:
        added = await restores.continue_transaction_numbers(session)
    async with sessions.begin() as session:
        return await restores.finish(session, added=added)


async def _find_others(sessions: Sessions) -> Sequence[str]:
    """Return the other sessions of the database that do not end within _ENDING_SECONDS."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while True:
        async with sessions.begin() as session:
            others = await restores.other_sessions(session)
        if not others or time.monotonic() > deadline:
            return others
        await asyncio.sleep(0.1)


def _print(done: Restored) -> None:
    out.print(f"Transactions are numbered on: {done.added} is added to the cluster's own.")
    out.print("Every kill switch is STOPPED.")
    if done.newest is not None:
        out.print(f"The backup's newest act is of {done.newest:%Y-%m-%d %H:%M:%S} UTC.")
    out.print(f"{done.searched} posts are searched in their channels before they are sent.")
    out.print(f"{done.parked} presses and commands that waited are not carried out.")
    if done.withdrawals:
        err.print(
            f"{len(done.withdrawals)} withdrawals were open. They may have been paid since: ask the"
            " bank before you pay one.",
            style="bold red",
        )
        print_rows(tuple(done.withdrawals[0]), done.withdrawals)
    out.print(_NEXT.format(incident=done.incident_id))


def _print_lost_links(path: Path | None) -> None:
    """Name the links of the audit chain that the file has and the restored database lacks."""
    if path is None:
        out.print("AUDIT_CHAIN_FILE is empty: compare the newest digest in the admin chat.")
        return
    try:
        in_file = audit_chain_file.read(path)
    except (audit_chain_file.AuditChainFileError, OSError) as error:
        err.print(f"The audit chain's file {path} cannot be read: {error}.")
        return
    last = run_once(audit_chain.last_number, as_owner=True)
    lost = [link for link in in_file if link.number > last]
    if not lost:
        out.print("The audit chain's file has no link that is newer than the backup.")
        return
    entries = sum(link.entries for link in lost)
    err.print(
        f"Links {lost[0].number} to {lost[-1].number} of the audit chain are in the file and not in"
        f" the backup: {entries} entries of the ledger are lost. Keep the file, move it to another"
        " place, and allow a new one (/chainfile new).",
        style="bold red",
    )


def _require_alone(others: Sequence[str]) -> None:
    if others:
        _refuse(
            f"Other programs use the database: {', '.join(others)}. Stop the bot, the scheduler and"
            " everything else first."
        )


def _refuse(reason: str) -> NoReturn:
    err.print(reason, markup=False)
    raise typer.Exit(REFUSED)
