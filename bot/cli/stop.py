"""Define the command `adtech stop all`. `bot.cli.__main__` answers a plain call of it faster."""

from typing import Annotated

import typer

from bot.cli import stop_all as stopping
from bot.cli.commands import DATABASE, STOP_AND_RUN, command
from bot.cli.shell import Person

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Stop everything at once.")


@app.callback()
def stop() -> None:
    """Stop everything at once."""


@command(
    app,
    "all",
    group=STOP_AND_RUN,
    example='adtech stop all "two owners report wrong sums" --as 123456789',
    needs=f"{DATABASE}, and nothing else: neither Telegram nor Redis has to work",
)
def stop_all(
    person: Person,
    reason: Annotated[
        str,
        typer.Argument(
            metavar="REASON", help="The reason. The admins get it in a message. It may be missing."
        ),
    ] = "",
) -> None:
    """Stop every kill switch at once: nothing new moves money, and no ad is posted.

    Then the command waits for the acts that began before, and ends the sessions of those that do
    not end. Run each switch again with a command of its own: adtech killswitch run KEY.
    """
    raise typer.Exit(stopping.run(person, reason))
