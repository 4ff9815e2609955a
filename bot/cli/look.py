"""Define the `adtech` commands that show the state of the product."""

from typing import Annotated

import typer

from bot.cli.commands import DATABASE, LOOK, command
from bot.cli.shell import run_once
from bot.cli.tables import print_rows
from services.platform import readiness
from services.posts import dead_letters

_DEAD_LETTER_COLUMNS = (
    *("placement", "channel", "failed", "attempts", "error", "money", "offered", "again"),
)

_SWITCH_STATES = {"enabled": "running", "disabled": "STOPPED"}

app = typer.Typer(no_args_is_help=True)


@command(app, group=LOOK, example="adtech health", needs=DATABASE, prints_rows=True)
def health() -> None:
    """Show whether the scheduler is alive, and which kill switches are running.

    Exit with status 1 if the scheduler gives no sign of life, or if a kill switch is missing.
    """
    ready = run_once(readiness.read_state)
    print_rows(
        ("what", "state"),
        [{"what": "scheduler", "state": "alive" if ready["scheduler"] else "NO HEARTBEAT"}]
        + [
            {"what": key, "state": _SWITCH_STATES.get(state, state)}
            for key, state in ready["switches"].items()
        ],
    )
    if not ready["scheduler"] or "missing" in ready["switches"].values():
        raise typer.Exit(1)


@command(app, group=LOOK, example="adtech dlq --limit 10 --json", needs=DATABASE, prints_rows=True)
def dlq(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List the posts that failed and that the bot does not try again."""
    dead = run_once(lambda session: dead_letters.page(session, limit=limit, offset=0))
    print_rows(
        _DEAD_LETTER_COLUMNS,
        [
            {
                "placement": row.target_id,
                "channel": row.channel_title,
                "failed": row.failed_at,
                "attempts": row.attempts,
                "error": row.error,
                "money": row.escrow_status.value,
                "offered": row.offered,
                "again": row.retried_by,
            }
            for row in dead
        ],
    )
