"""Define the `adtech` command that prints a report."""

from typing import Annotated

import typer

from bot.cli.commands import LOOK, REPORTS, command
from bot.cli.shell import REFUSED, read_settings, run_once
from bot.cli.tables import err, print_rows, say
from services.platform import reports

app = typer.Typer(no_args_is_help=True)


def _known(name: str | None) -> str | None:
    """Return the name of a report. Raises BadParameter with the known names for any other text."""
    if name is not None and name not in reports.REPORTS:
        raise typer.BadParameter(
            f"there is no report {name!r}. Choose one of: {', '.join(reports.REPORTS)}"
        )
    return name


Name = Annotated[
    str | None,
    typer.Argument(callback=_known, metavar="NAME", help="Without a name: list the reports."),
]


@command(
    app,
    "report",
    group=LOOK,
    example="adtech report held --csv",
    needs=f"{REPORTS}. The list of reports needs nothing",
    prints_rows=True,
)
def show(name: Name = None) -> None:
    """Print a report, or the list of all reports.

    Exit with status 1 if the report finds what must not be. Amounts are in minor units, and days
    are in UTC.
    """
    if name is None:
        print_rows(
            ("report", "rows"),
            [{"report": key, "rows": report.meaning} for key, report in reports.REPORTS.items()],
        )
        return
    sla = read_settings("REPORTS_DATABASE_URL", "DATABASE_URL").escrow_sla
    rows = run_once(lambda session: reports.run(session, name, sla=sla), reads_only=True)
    print_rows(rows.columns, rows)
    if rows:
        say(reports.REPORTS[name].next_step)
    if rows.wrong:
        err.print(
            f"{name}: {rows.wrong} of {len(rows)} rows must not be."
            f" See {reports.REPORTS[name].page}.",
            style="bold red",
        )
        raise typer.Exit(REFUSED)
