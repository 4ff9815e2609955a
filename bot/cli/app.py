"""Run the commands for operators (`adtech`). They also work while Telegram or Redis is down."""

import sys

import typer

from bot.cli import (
    backup,
    corrections,
    keys,
    launch,
    ledger,
    look,
    money,
    people,
    predeploy,
    reports,
    restore,
    stop,
    switches,
    testers,
    trace,
)
from bot.cli.tables import is_writable, out

EXIT_CODES = (
    "Exit status: 0 done; 1 refused, or found what must not be; 2 wrong arguments or settings;"
    " 3 the database cannot be used; 130 ended by Ctrl-C; 141 the reader of the output ended first."
)

app = typer.Typer(
    name="adtech",
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    epilog=EXIT_CODES,
)
app.add_typer(look.app)
app.add_typer(trace.app)
app.add_typer(reports.app)
app.add_typer(stop.app, name="stop", rich_help_panel=switches.GROUP)
app.add_typer(switches.app, name="killswitch", rich_help_panel=switches.GROUP)
app.add_typer(launch.app, name="launch", rich_help_panel=launch.GROUP)
app.add_typer(money.app)
app.add_typer(keys.app)
app.add_typer(ledger.app)
app.add_typer(corrections.app)
app.add_typer(people.app)
app.add_typer(testers.app, name="testers", rich_help_panel=testers.GROUP)
app.add_typer(backup.app)
app.add_typer(restore.app)
app.add_typer(predeploy.app)


def main() -> None:
    """Run the command line. If its help cannot be written, say so in one line."""
    try:
        app(prog_name="adtech")
    except OSError:
        if is_writable(sys.stdout):
            raise
        with out.ends_if_unwritable():
            raise
