"""Run the commands for operators (`adtech`). They also work while Telegram or Redis is down."""

from typing import Annotated

import typer

from bot import switches, texts
from bot.cli import ledger, money, people, predeploy
from bot.cli.shell import Person, err, out, print_rows, request, run_all, run_once, staff
from db.models.operations import Switch
from db.models.users import RequestKind
from db.session import Sessions
from services.platform import killswitches, readiness, reports
from services.posts import dead_letters

Reason = Annotated[str, typer.Argument(help="The reason. The admins get it in a message.")]

_SWITCH_STATES = {"enabled": "running", "disabled": "STOPPED"}
"""The printed words for the states of a kill switch in the readiness check."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
switch_app = typer.Typer(no_args_is_help=True, help="Show, stop or run kill switches.")
app.add_typer(switch_app, name="killswitch")
app.add_typer(money.app)
app.add_typer(ledger.app)
app.add_typer(people.app)
app.add_typer(predeploy.app)


@app.command()
def report(name: Annotated[str, typer.Argument(help=", ".join(reports.REPORTS))]) -> None:
    """Print the rows of one report from the production checklist or the safety plan."""
    rows = run_once(lambda session: reports.run(session, name), reads_only=True)
    print_rows(list(rows), out)


@app.command()
def health() -> None:
    """Show whether the scheduler is alive, and which kill switches are running.

    Exit with status 1 if the scheduler gives no sign of life, or if a kill switch is missing.
    """
    ready = run_once(readiness.read_state)
    print_rows(
        [{"what": "scheduler", "state": "alive" if ready["scheduler"] else "NO HEARTBEAT"}]
        + [
            {"what": key, "state": _SWITCH_STATES.get(state, state)}
            for key, state in ready["switches"].items()
        ],
        out,
    )
    if not ready["scheduler"] or "missing" in ready["switches"].values():
        raise typer.Exit(1)


@app.command()
def dlq(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List the posts that failed and that the bot does not try again."""
    dead = run_once(lambda session: dead_letters.page(session, limit=limit, offset=0))
    print_rows(
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
            for row in dead
        ],
        out,
    )


@switch_app.command("list")
def list_switches() -> None:
    """Show for every kill switch whether it is running or stopped, and why."""
    states = run_once(killswitches.overview)
    print_rows(
        [
            {
                "switch": state.key.value,
                "state": "running" if state.enabled else "STOPPED",
                "why": texts.core().get(
                    "switch-reason", texts.DEFAULT_LANGUAGE, reason=state.reason or "missing"
                ),
            }
            for state in states
        ],
        out,
    )


@switch_app.command()
def stop(key: Switch, reason: Reason, person: Person) -> None:
    """Stop one kill switch at once, and refuse the actions that the switch allows.

    Then wait for the actions that began before the stop. If such an action does not end, print a
    sentence. Database sessions that lock whole tables and so delay the stop are ended. If one
    belongs to a superuser, print a sentence, and wait until the stop is written.
    """

    async def stop_switch(sessions: Sessions) -> killswitches.SwitchChange:
        async def write_stop() -> killswitches.SwitchChange:
            async with sessions.begin() as session:
                actor = await staff(session, person)
                return await killswitches.stop(session, actor=actor, key=key, reason=reason)

        return await switches.stop_despite_locks(
            sessions, write_stop, tell=lambda: _say_that_it_waits(key)
        )

    change = run_all(stop_switch)
    out.print(f"{key.value}: STOPPED" + ("" if change.changed else " (it was already)"))
    if not change.settled:
        out.print("An act that began before is still under way; new acts are refused.")
    if change.sends_under_way:
        out.print(f"{change.sends_under_way} sends were under way; their results are recorded.")


def _say_that_it_waits(key: Switch) -> None:
    err.print(
        f"{key.value}: NOT stopped yet. A superuser's session locks a table; end it in PostgreSQL."
        " This command waits until the stop is written."
    )


@switch_app.command()
def run(key: Switch, reason: Reason, person: Person) -> None:
    """Request that a stopped kill switch runs again.

    The switch stays stopped until the person named by `--as` presses a button in the admin chat.
    """
    typer.confirm(f"Run {key.value} again?", abort=True)
    request(RequestKind.RUN_SWITCH, {"key": key.value}, reason=reason, person=person)


def main() -> None:
    """Run the command line."""
    app(prog_name="adtech")
