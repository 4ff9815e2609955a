"""`adtech check`, `verify-ledger`, `restored`: the books are right, and nobody rewrote them."""

from dataclasses import replace
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

SEALS_AT_ONCE = 500
Full = Annotated[bool, typer.Option("--full", help="Every row, not only what is new.")]
SealsFile = Annotated[
    Path | None, typer.Option("--seals", help="The seals' file; by default AUDIT_CHAIN_FILE.")
]


app = typer.Typer(no_args_is_help=True)


@app.command()
def check(*, full: Full = False) -> None:
    """Check the ledger as the scheduled check would; a violation freezes the money."""
    violations = run_all(_check_all) if full else run_once(incidents.check_ledger_invariant)
    if not violations:
        out.print("All invariants hold.")
        return
    for violation in violations:
        err.print(f"{violation.name}: {violation.meaning}", style="bold red")
        print_rows(list(violation.rows), err)
    raise typer.Exit(1)


@app.command()
def verify_ledger(file: SealsFile = None) -> None:
    """Compute every seal anew and name the first range that is not what it was."""
    path = file or settings.load().audit_chain_file
    kept: list[ChainLink] = []
    if path is not None:
        try:
            kept = audit_chain_file.read(path)
        except (audit_chain_file.AuditChainFileError, OSError) as trouble:
            err.print(f"The seals' file cannot be used: {trouble}", markup=False)
            raise typer.Exit(1) from None
    if sentence := run_all(lambda sessions: _verify(sessions, kept)):
        err.print(sentence, style="bold red")
        raise typer.Exit(1)
    if path is None:
        out.print("Compared with the database's own seals alone: set AUDIT_CHAIN_FILE.")


@app.command()
def restored() -> None:
    """After a backup was restored into a new cluster, before anything runs: number on.

    Needs MIGRATION_DATABASE_URL: only the owner's role may.
    """
    added = run_once(_restart, as_owner=True)
    out.print(f"Transactions are numbered on: {added} is added to the cluster's own.")


async def _restart(session: AsyncSession) -> int:
    found = await session.execute(text("SELECT restart_ledger_txn()"))
    added: int = found.scalar_one()
    return added


async def _check_all(sessions: Sessions) -> list[Violation]:
    """Go round once, a part in each transaction, then add everything up; freeze at the end."""
    found: dict[str, Violation] = {}
    async with sessions.begin() as session:
        began = await queries.now(session)
        sizes = await incremental_check.sizes(session)
    with Bar(console=err) as bar:
        bars = {
            part: bar.add_task(part, total=max(getattr(sizes, part), 1))
            for part in ("wallet", "transfer", "target", "deposit", "withdrawal")
        }
        progress = Progress()
        done: set[str] = set()
        while len(done) < len(bars):
            async with sessions.begin() as session:
                violations, after = await incremental_check.run_part(session, progress)
            _note(found, violations)
            for part, task in bars.items():
                if part not in done and getattr(after, part) == 0:
                    done.add(part)
                bar.update(
                    task, completed=bar.tasks[task].total if part in done else getattr(after, part)
                )
            progress = after
    async with sessions.begin() as session:
        _note(found, await scoped_invariants.find_unscoped_violations(session))
        await incidents.record_check(session, list(found.values()), full_since=began)
    return list(found.values())


def _note(found: dict[str, Violation], violations: list[Violation]) -> None:
    """Gather what several parts found under the name of its invariant."""
    for violation in violations:
        rows = list(found[violation.name].rows) if violation.name in found else []
        rows += [row for row in violation.rows if row not in rows]
        found[violation.name] = replace(violation, rows=rows[: invariants.SHOWN])


async def _verify(sessions: Sessions, kept: list[ChainLink]) -> str | None:
    """Compare range by range; return what is wrong first, as a sentence."""
    before: ChainLink | None = None
    with Bar(console=err) as bar:
        task = bar.add_task("seals", total=max(len(kept), 1))
        for expected in kept:
            async with sessions.begin() as session:
                if sentence := await _compare(session, before, expected):
                    return sentence
                own = await audit_chain.links_after(session, expected.number - 1, limit=1)
            if own[:1] != [expected]:
                return f"Seal {expected.number} of the database is not the one in the file."
            before = expected
            bar.update(task, advance=1)
        while True:
            number = before.number if before else 0
            async with sessions.begin() as session:
                own = await audit_chain.links_after(session, number, limit=SEALS_AT_ONCE)
            if not own:
                break
            bar.update(task, total=number + len(own), completed=number)
            for expected in own:
                async with sessions.begin() as session:
                    if sentence := await _compare(session, before, expected):
                        return sentence
                before = expected
                bar.update(task, advance=1)
    sealed = f"All seals hold, {before.number} in all: {before.digest}" if before else "No seal yet"
    out.print(f"{sealed}.", soft_wrap=True)
    return None


async def _compare(
    session: AsyncSession, before: ChainLink | None, expected: ChainLink
) -> str | None:
    """Compute one range anew; say how it differs, if it does."""
    found = await audit_chain.digest(session, before, expected.upto_txn)
    if found == expected:
        return None
    if (found.number, found.from_txn) != (expected.number, expected.from_txn):
        return f"Seal {expected.number} does not follow the one before it."
    first = "the beginning" if before is None else found.from_txn
    return (
        f"Seal {expected.number} is broken: transactions from {first} up to {found.upto_txn},"
        f" {expected.entries} entries when it was sealed, {found.entries} now."
    )
