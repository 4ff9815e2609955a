"""Define the `adtech` commands that check the ledger."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli import chain_verification
from bot.cli.commands import CLOCK, DATABASE, LEDGER, command
from bot.cli.shell import REFUSED, read_settings, run_all, run_once
from bot.cli.tables import Format, chosen, err, out, print_rows, say
from db import queries
from db.session import Sessions
from services.money import incidents, incremental_check, invariants, scoped_invariants
from services.money.incremental_check import Progress
from services.money.invariants import Violation
from services.money.rule_rows import LOOKS, NOTHING
from services.platform import guards
from services.platform.guards import Difference

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


@command(app, group=LEDGER, example="adtech check --full", needs=CLOCK, prints_rows=True)
def check(*, full: Full = False) -> None:
    """Check the ledger now, in the same way as the scheduled check.

    The command also compares the guards of the database (triggers, rights, functions, ...) with
    those of the release. If a rule is violated or a guard of money differs, all movements of money
    are stopped. The exit status is 1 if anything is found.
    """
    violations = (
        run_all(_check_all, as_clock=True, shows_progress=False)
        if full
        else run_once(incidents.check_ledger_invariant, as_clock=True)
    )
    print_violations(violations)
    differences = run_once(_compare_guards, as_clock=True)
    if differences:
        err.print("The database differs from the release:")
        rows = [{"guard": str(each), "put_back": each.repair} for each in differences]
        print_rows(("guard", "put_back"), rows, err)
    if violations or guards.of_same_revision(differences):
        raise typer.Exit(REFUSED)
    say("All invariants hold.")


async def _compare_guards(session: AsyncSession) -> list[Difference]:
    """Compare the guards of the database with the release, and open incidents about differences."""
    differences = await guards.compare(session)
    await guards.record(session, differences)
    return differences


@command(
    app,
    group=LEDGER,
    example="adtech verify-ledger --file /var/lib/adtech/audit-chain.jsonl",
    needs=f"{DATABASE}, and a copy of the chain from outside the database",
)
def verify_ledger(file: ChainFile = None, digest: Digests = None) -> None:
    """Find out whether rows of the ledger were changed after they were written.

    The command computes the audit chain (digests of ranges of the ledger) again, and names the
    first range that has changed. It says how much of the chain each given copy covers. The exit
    status is 1 if a range has changed, or if no copy from outside the database covers the chain.
    """
    path = file or read_settings("DATABASE_URL").audit_chain_file
    result = run_all(
        lambda sessions: chain_verification.verify(sessions, path, digest or ()),
        shows_progress=False,
    )
    for line in result.findings:
        out.print(line, markup=False)
    for problem in result.problems:
        err.print(problem, style="bold red", markup=False)
    if result.problems:
        raise typer.Exit(REFUSED)


def print_violations(violations: Sequence[Violation]) -> None:
    """Print the violated rules with their rows: a table for each rule, or one list of rows."""
    if chosen.get() is not Format.TABLE:
        rows = [
            {"invariant": violation.name, "meaning": violation.meaning, "row": dict(row)}
            for violation in violations
            for row in violation.rows
        ]
        print_rows(("invariant", "meaning", "row"), rows)
        return
    for violation in violations:
        err.print(f"{violation.name}: {violation.meaning}", style="bold red", markup=False)
        shown = [dict(row) for row in violation.rows]
        print_rows(tuple(shown[0]) if shown else (), shown, err)
        look = LOOKS.get(violation.name)
        if look and shown:
            what = "" if look.what == NOTHING else f"ref is the {look.what.replace('_', ' ')}. "
            err.print(f"{what}To see it: {look.at(shown[0])}", markup=False)


async def _check_all(sessions: Sessions) -> list[Violation]:
    """Check all rows of the ledger, record the check, and return the violations.

    A violation stops all movements of money.
    """
    async with sessions.begin() as session:
        began = await queries.now(session)
    violations = await find_violations(sessions)
    async with sessions.begin() as session:
        await incidents.record_check(session, violations, full_since=began)
    return violations


async def find_violations(sessions: Sessions) -> list[Violation]:
    """Check all rows of the ledger in several transactions, and return the violations.

    Shows a bar for each part. Writes nothing.
    """
    by_name: dict[str, Violation] = {}
    async with sessions.begin() as session:
        sizes = await incremental_check.last_ids(session)
    with Bar(console=err, disable=not err.is_for_a_person) as bar:
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
    return list(by_name.values())


def _merge(by_name: dict[str, Violation], violations: list[Violation]) -> None:
    for violation in violations:
        rows = list(by_name[violation.name].rows) if violation.name in by_name else []
        rows += [row for row in violation.rows if row not in rows]
        by_name[violation.name] = replace(violation, rows=rows[: invariants.MAX_ROWS])
