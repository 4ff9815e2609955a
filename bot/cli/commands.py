"""Add commands to `adtech`, each with its group, an example, and what it needs."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from bot.cli.tables import Format, chosen

T = TypeVar("T")
LOOK = "Look"
STOP_AND_RUN = "Stop and run"
LAUNCH = "Launch and deploy"
MONEY = "Money"
LEDGER = "Ledger"
PEOPLE = "People"
RESTORE = "Backup and restore"
GROUPS = (LOOK, STOP_AND_RUN, LAUNCH, MONEY, LEDGER, PEOPLE, RESTORE)
"""The groups of commands, in the order of the help."""

DATABASE = "DATABASE_URL"
CLOCK = "CLOCK_DATABASE_URL, or DATABASE_URL of a login with its rights"
REPORTS = "REPORTS_DATABASE_URL, or DATABASE_URL"
OWNER = "MIGRATION_DATABASE_URL"
ACKNOWLEDGED = f"{DATABASE}. The person of --as presses “That was me” in the admin chat"
CONFIRMED = f"{ACKNOWLEDGED}, then a second person confirms it there"

_JSON = Annotated[bool, typer.Option("--json", help="Print a list of JSON objects.")]
_CSV = Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")]


def command(
    app: typer.Typer,
    name: str | None = None,
    *,
    group: str,
    example: str,
    needs: str,
    prints_rows: bool = False,
) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Return a decorator that adds a function to `app` as a command.

    `example` is a whole command line. `needs` names the settings and people that the command needs.
    If `prints_rows` is true, the command gets the options `--json` and `--csv`.
    """

    def add(function: Callable[..., T]) -> Callable[..., T]:
        app.command(name, rich_help_panel=group, epilog=f"Example: {example}\n\nNeeds: {needs}.")(
            _with_formats(function) if prints_rows else function
        )
        return function

    return add


def _with_formats(function: Callable[..., T]) -> Callable[..., T]:
    """Wrap a command so that it accepts `--json` and `--csv`, and prints its rows in that form."""

    @wraps(function)
    def run(*arguments: Any, json: bool, csv: bool, **options: Any) -> T:
        if json and csv:
            raise typer.BadParameter("--json and --csv exclude each other: choose one")
        form = Format.JSON if json else Format.CSV if csv else Format.TABLE
        token = chosen.set(form)
        try:
            return function(*arguments, **options)
        finally:
            chosen.reset(token)

    signature = inspect.signature(function)
    keyword = inspect.Parameter.KEYWORD_ONLY
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]  # Typer reads it
        parameters=[
            *signature.parameters.values(),
            inspect.Parameter("json", keyword, default=False, annotation=_JSON),
            inspect.Parameter("csv", keyword, default=False, annotation=_CSV),
        ]
    )
    run.__annotations__ = function.__annotations__ | {"json": _JSON, "csv": _CSV}
    return run
