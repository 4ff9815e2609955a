"""Define the `adtech` commands that show the state of the product."""

from typing import Annotated

import typer

from bot import storage, system_status, texts
from bot.cli import database_problems
from bot.cli.commands import DATABASE, LOOK, command
from bot.cli.shell import NO_DATABASE, REFUSED, read_settings, run_all, run_once
from bot.cli.tables import err, print_rows
from db.models.operations import Switch
from db.session import Sessions
from services.platform import system_status as status_lines
from services.platform.system_status import Line, State
from services.posts import dead_letters

_DEAD_LETTER_COLUMNS = (
    *("placement", "channel", "failed", "attempts", "error", "money", "offered", "again"),
)

_STATUS_COLUMNS = ("what", "value", "unit", "state", "detail")
_NOT_READ = {
    system_status.AWAY: database_problems.AWAY,
    system_status.REFUSES: database_problems.REFUSED,
    system_status.MISSING: database_problems.MISSING,
}
"""The advice for each value of the status line about a database that cannot be read."""
_ADVICE = database_problems.CANNOT_SAVE | _NOT_READ | {system_status.FAILS: database_problems.FAILS}

app = typer.Typer(no_args_is_help=True)


@command(
    app,
    group=LOOK,
    example="adtech status --json",
    needs=f"{DATABASE}. Telegram, Redis and the scheduler may be down",
    prints_rows=True,
)
def status() -> None:
    """Show what an on-call person asks first. `/health` in the admin chat shows the same.

    Exit with status 1 if something needs a human, and with status 3 if the database does not
    answer. Ages are in seconds, and amounts are in minor units.
    """
    configured = read_settings("DATABASE_URL")

    async def gather(sessions: Sessions) -> list[Line]:
        if configured.redis_url is None:
            return await system_status.gather(sessions, None, sla=configured.escrow_sla)
        redis = storage.connect(configured.redis_url.get_secret_value())
        try:
            forms = storage.FormStorage(redis)
            return await system_status.gather(sessions, forms, sla=configured.escrow_sla)
        finally:
            await redis.close()

    lines = run_all(gather)
    print_rows(_STATUS_COLUMNS, [_row(line) for line in lines])
    database = lines[0].value
    if (advice := _ADVICE.get(database)) is not None:
        err.print(advice.format(DATABASE), markup=False)
    if database in _NOT_READ:
        raise typer.Exit(NO_DATABASE)
    if status_lines.needs_human(lines):
        raise typer.Exit(REFUSED)


command(app, "health", group=LOOK, example="adtech health", needs=DATABASE, prints_rows=True)(
    status
)


def _row(line: Line) -> dict[str, object]:
    value = line.value
    if line.state is State.UNKNOWN:
        value = "unknown"
    elif value is None:
        value = "none"
    detail = line.detail
    if line.name in set(Switch):
        detail = texts.core().get("switch-reason", texts.DEFAULT_LANGUAGE, reason=detail or "")
    return {
        "what": line.name,
        "value": value,
        "unit": line.unit.value,
        "state": line.state.value,
        "detail": detail,
    }


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
