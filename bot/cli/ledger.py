"""Define the `adtech` commands that check the ledger and finish a restore."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot import settings
from bot.cli import chain_verification
from bot.cli.shell import err, out, print_rows, run_all, run_once
from db import queries
from db.session import Sessions
from services.money import incidents, incremental_check, invariants, scoped_invariants
from services.money.incremental_check import Progress
from services.money.invariants import Violation

Full = Annotated[bool, typer.Option("--full", help="Check all rows, old ones too.")]
ChainFile = Annotated[
    Path | None,
    typer.Option("--file", help="The copy of the audit chain. Default: AUDIT_CHAIN_FILE."),
]
Digests = Annotated[
    list[str] | None,
    typer.Option("--digest", help="The digest of a message in the admin chat. May be repeated."),
]


app = typer.Typer(no_args_is_help=True)


@app.command()
def check(*, full: Full = False) -> None:
    """Check the ledger now, in the same way as the scheduled check.

    If a rule is violated, all movements of money are stopped, and the exit status is 1. The command
    needs the scheduler's login, CLOCK_DATABASE_URL.
    """
    violations = (
        run_all(_check_all, as_clock=True)
        if full
        else run_once(incidents.check_ledger_invariant, as_clock=True)
    )
    if not violations:
        out.print("All invariants hold.")
        return
    for violation in violations:
        err.print(f"{violation.name}: {violation.meaning}", style="bold red")
        print_rows(list(violation.rows), err)
    raise typer.Exit(1)


@app.command()
def verify_ledger(file: ChainFile = None, digest: Digests = None) -> None:
    """Find out whether rows of the ledger were changed after they were written.

    The command computes the audit chain (digests of ranges of the ledger) again, names the first
    range that has changed, and says how much of the chain each given copy covers. The exit status
    is 1 if a range has changed, or if no copy from outside the database covers the chain.
    """
    path = file or settings.load_for_command("DATABASE_URL").audit_chain_file
    result = run_all(lambda sessions: chain_verification.verify(sessions, path, digest or ()))
    for line in result.findings:
        out.print(line, markup=False, soft_wrap=True)
    for problem in result.problems:
        err.print(problem, style="bold red", markup=False, soft_wrap=True)
    if result.problems:
        raise typer.Exit(1)


@app.command()
def restored() -> None:
    """Finish a restore: run this after a backup was restored into a new PostgreSQL cluster.

    Run the command one time, before any other program uses the database. The ledger then continues
    with the transaction number after the last one in the backup. The command needs
    MIGRATION_DATABASE_URL.
    """
    added = run_once(_restart, as_owner=True)
    out.print(f"Transactions are numbered on: {added} is added to the cluster's own.")


async def _restart(session: AsyncSession) -> int:
    result = await session.execute(text("SELECT restart_ledger_txn()"))
    added: int = result.scalar_one()
    return added


async def _check_all(sessions: Sessions) -> list[Violation]:
    """Check all rows of the ledger in several transactions, and return the violations.

    A violation stops all movements of money.
    """
    by_name: dict[str, Violation] = {}
    async with sessions.begin() as session:
        began = await queries.now(session)
        sizes = await incremental_check.last_ids(session)
    with Bar(console=err) as bar:
        bars = {
            part: bar.add_task(part, total=max(getattr(sizes, part), 1))
            for part in ("wallet", "transfer", "target", "deposit", "withdrawal")
        }
        progress = Progress()
        done: set[str] = set()
        while len(done) < len(bars):
            async with sessions.begin() as session:
                violations, next_progress = await incremental_check.run_part(session, progress)
            _merge(by_name, violations)
            for part, task in bars.items():
                if part not in done and getattr(next_progress, part) == 0:
                    done.add(part)
                bar.update(
                    task,
                    completed=bar.tasks[task].total
                    if part in done
                    else getattr(next_progress, part),
                )
            progress = next_progress
    async with sessions.begin() as session:
        _merge(by_name, await scoped_invariants.find_unscoped_violations(session))
        await incidents.record_check(session, list(by_name.values()), full_since=began)
    return list(by_name.values())


def _merge(by_name: dict[str, Violation], violations: list[Violation]) -> None:
    for violation in violations:
        rows = list(by_name[violation.name].rows) if violation.name in by_name else []
        rows += [row for row in violation.rows if row not in rows]
        by_name[violation.name] = replace(violation, rows=rows[: invariants.MAX_ROWS])
