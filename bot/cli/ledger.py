"""Define the `adtech` commands that check the ledger and finish a restore."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot import settings
from bot.cli.shell import err, out, print_rows, run_all, run_once
from db import queries
from db.session import Sessions
from services.money import (
    audit_chain,
    audit_chain_file,
    incidents,
    incremental_check,
    invariants,
    scoped_invariants,
)
from services.money.audit_chain import ChainLink
from services.money.incremental_check import Progress
from services.money.invariants import Violation

LINKS_PER_QUERY = 500
Full = Annotated[bool, typer.Option("--full", help="Check all rows, old ones too.")]
ChainFile = Annotated[
    Path | None,
    typer.Option("--file", help="The copy of the audit chain. Default: AUDIT_CHAIN_FILE."),
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
def verify_ledger(file: ChainFile = None) -> None:
    """Find out whether rows of the ledger were changed after they were written.

    The command computes the audit chain (digests of ranges of the ledger) again, and names the
    first range that has changed.
    """
    path = file or settings.load().audit_chain_file
    file_links: list[ChainLink] = []
    if path is not None:
        try:
            file_links = audit_chain_file.read(path)
        except (audit_chain_file.AuditChainFileError, OSError) as error:
            err.print(f"The audit chain's file cannot be used: {error}", markup=False)
            raise typer.Exit(1) from None
    if problem := run_all(lambda sessions: _verify(sessions, file_links)):
        err.print(problem, style="bold red")
        raise typer.Exit(1)
    if path is None:
        out.print("Compared with the database's own links alone: set AUDIT_CHAIN_FILE.")


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


async def _verify(sessions: Sessions, file_links: list[ChainLink]) -> str | None:
    """Compute all links of the audit chain again, and return the first problem or None."""
    chain = _VerifiedChain()
    with Bar(console=err) as bar:
        task = bar.add_task("links", total=max(len(file_links), 1))
        for expected in file_links:
            async with sessions.begin() as session:
                if problem := await chain.extend(session, expected):
                    return problem
                database_links = await audit_chain.links_after(
                    session, expected.number - 1, limit=1
                )
            if database_links[:1] != [expected]:
                return f"Link {expected.number} of the database is not the one in the file."
            bar.update(task, advance=1)
        while True:
            number = chain.last.number if chain.last else 0
            async with sessions.begin() as session:
                database_links = await audit_chain.links_after(
                    session, number, limit=LINKS_PER_QUERY
                )
            if not database_links:
                break
            bar.update(task, total=number + len(database_links), completed=number)
            for expected in database_links:
                async with sessions.begin() as session:
                    if problem := await chain.extend(session, expected):
                        return problem
                bar.update(task, advance=1)
    result = (
        f"All links hold, {chain.last.number} in all: {chain.last.digest}"
        if chain.last
        else "The audit chain has no link yet"
    )
    out.print(f"{result}.", soft_wrap=True)
    return None


@dataclass
class _VerifiedChain:
    """The links of the audit chain that were compared and are correct."""

    last: ChainLink | None = None
    covers_terms: bool = False
    """True if a compared link covers the price and the promised hours of placements.

    Links made before revision 0009 do not cover these terms.
    """

    async def extend(self, session: AsyncSession, expected: ChainLink) -> str | None:
        """Compute the next link, and return its difference from `expected` or None."""
        computed = await audit_chain.compute(session, self.last, expected.upto_txn)
        if expected == computed.link:
            self.covers_terms = True
        elif self.covers_terms or expected != computed.without_terms:
            return self._describe(computed.link, expected)
        self.last = expected
        return None

    def _describe(self, computed: ChainLink, expected: ChainLink) -> str:
        if (computed.number, computed.from_txn) != (expected.number, expected.from_txn):
            return f"Link {expected.number} does not follow the one before it."
        first = "the beginning" if self.last is None else computed.from_txn
        return (
            f"Link {expected.number} is broken: transactions from {first} up to"
            f" {computed.upto_txn}, {expected.entries} entries when it was made,"
            f" {computed.entries} now."
        )
