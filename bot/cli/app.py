"""`adtech`: what operators do when Telegram itself is down. Redis is not needed for any of it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import errors as texts_of_errors
from bot import logging, settings
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.models.operations import Switch
from db.session import create_engine, create_sessions
from services import actors, dead_letters, errors, killswitches, reports, system, users
from services.actors import Actor

T = TypeVar("T")
Person = Annotated[int, typer.Option("--as", help="Telegram id of the operator who does it.")]
Reason = Annotated[str, typer.Argument(help="Why; kept with the switch and told to the admins.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
switch_app = typer.Typer(no_args_is_help=True, help="Stop or run a part of the product.")
app.add_typer(switch_app, name="killswitch")
out = Console()
err = Console(stderr=True)


@app.command()
def check() -> None:
    """Run every invariant; a violation freezes the money, as the scheduled check would."""
    violations = _run(system.check_ledger_invariant)
    if not violations:
        out.print("All invariants hold.")
        return
    for violation in violations:
        err.print(f"{violation.name}: {violation.meaning}", style="bold red")
        _print_rows(list(violation.rows), err)
    raise typer.Exit(1)


@app.command()
def report(name: Annotated[str, typer.Argument(help=", ".join(reports.REPORTS))]) -> None:
    """Print a report of the production checklist or the safety plan."""
    rows = _run(lambda session: reports.run(session, name))
    _print_rows(list(rows), out)


@app.command()
def health() -> None:
    """Say whether the clock beats, and which switches run."""
    ready = _run(system.readiness)
    _print_rows(
        [{"what": "scheduler", "state": "alive" if ready["scheduler"] else "NO HEARTBEAT"}]
        + [{"what": key, "state": state} for key, state in ready["switches"].items()],
        out,
    )
    if not ready["scheduler"] or "missing" in ready["switches"].values():
        raise typer.Exit(1)


@app.command()
def dlq(limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 50) -> None:
    """List the posts that failed for good, with their errors."""
    letters = _run(lambda session: dead_letters.page(session, limit=limit, offset=0))
    _print_rows(
        [
            {
                "placement": row.target_id,
                "channel": row.channel_title,
                "failed": f"{row.failed_at:%Y-%m-%d %H:%M}",
                "attempts": row.attempts,
                "error": row.error,
                "money": row.escrow_status.value,
                "offered": "yes" if row.offered else "no",
                "again": row.retried_by or "",
            }
            for row in letters
        ],
        out,
    )


@switch_app.command("list")
def list_switches() -> None:
    """Show every switch."""
    states = _run(killswitches.overview)
    _print_rows(
        [
            {
                "switch": state.key.value,
                "state": "running" if state.enabled else "STOPPED",
                "why": "row is missing" if state.missing else state.reason,
            }
            for state in states
        ],
        out,
    )


@switch_app.command()
def stop(key: Switch, reason: Reason, person: Person) -> None:
    """Stop one switch now; answered only once nothing of that kind can commit any more."""
    _set(key, enabled=False, reason=reason, person=person)


@switch_app.command()
def run(key: Switch, reason: Reason, person: Person) -> None:
    """Run one switch again, after a question."""
    typer.confirm(f"Run {key.value} again?", abort=True)
    _set(key, enabled=True, reason=reason, person=person)


def main() -> None:
    """Enter here."""
    app()


def _set(key: Switch, *, enabled: bool, reason: str, person: int) -> None:
    async def act(session: AsyncSession) -> killswitches.SwitchChange:
        actor = await _operator(session, person)
        return await killswitches.set(session, actor=actor, key=key, enabled=enabled, reason=reason)

    change = _run(act)
    state = "running" if change.enabled else "STOPPED"
    out.print(f"{key.value}: {state}" + ("" if change.changed else " (it was already)"))
    if change.sends_under_way:
        out.print(f"{change.sends_under_way} sends were under way; their results are recorded.")


async def _operator(session: AsyncSession, telegram_id: int) -> Actor:
    """Return the operator who was named; whoever has this shell is as good as in the admin chat."""
    user = await users.by_telegram_id(session, telegram_id)
    if user is None:
        raise errors.NotFound("user", telegram_id)
    return Actor(user.id, await users.roles(session, user.id), in_admin_chat=True)


def _run(act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do one thing in one transaction; a refusal is a sentence and exit 1."""
    configured = settings.load()
    logging.setup(configured)

    async def inside() -> T:
        engine = create_engine(configured.database_url.get_secret_value())
        try:
            async with create_sessions(engine).begin() as session:
                return await act(session)
        finally:
            await engine.dispose()

    actors.correlation_id.set("command-line")
    try:
        return asyncio.run(inside())
    except errors.DomainError as refusal:
        texts = Texts(DEFAULT_LANGUAGE, configured.currency)
        err.print(texts_of_errors.explain(texts, refusal), markup=False)
    except (DBAPIError, OSError) as trouble:
        err.print(f"The database did not answer ({type(trouble).__name__}).")
    sys.exit(1)


def _print_rows(rows: list[dict[str, object]], console: Console) -> None:
    """Print rows as a table, or say that there are none."""
    if not rows:
        console.print("No rows.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
