"""Define the `adtech` command that shows what belongs to a support number."""

from typing import Annotated

import typer

from bot.cli.commands import DATABASE, LOOK, command
from bot.cli.shell import REFUSED, run_once
from bot.cli.tables import err, print_rows
from db import correlation
from services.platform import traces

app = typer.Typer(no_args_is_help=True)


def _id(value: str) -> str:
    """Read the id of an update, command or tick. Raises BadParameter for any other text."""
    if correlation.is_id(value.strip()):
        return value.strip()
    raise typer.BadParameter(
        f"{value!r} is no support number. It has letters, digits and -, for example 5f0c1d2e3a4b"
    )


@command(
    app, group=LOOK, example="adtech trace 5f0c1d2e3a4b --json", needs=DATABASE, prints_rows=True
)
def trace(
    number: Annotated[
        str,
        typer.Argument(
            parser=_id, metavar="NUMBER", help="A support number, or a correlation_id of the log."
        ),
    ],
) -> None:
    """List the rows that an update, command or tick has written, and what continued its work.

    Log lines are not in the database: search the log for the same id. Exit with status 1 if no row
    has the id.
    """
    found = run_once(lambda session: traces.rows(session, number))
    print_rows(traces.COLUMNS, [row._asdict() for row in found])
    if not found:
        err.print(
            f"No row has the id {number}. Compare it with the person's message, and search the"
            " log for it: an update that changed nothing leaves only log lines.",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(REFUSED)
