"""Define the `adtech` commands that show, stop and run kill switches."""

from typing import Annotated

import typer

from bot import switches, texts
from bot.cli.commands import ACKNOWLEDGED, DATABASE, STOP_AND_RUN, command
from bot.cli.shell import Person, Reason, confirm, request, run_all, run_once, staff
from bot.cli.switch_argument import OneSwitch
from bot.cli.tables import err, out, print_rows
from bot.screens import stop as stop_screens
from db.models.operations import Switch
from db.models.users import RequestKind
from db.session import Sessions
from services.platform import killswitches

GROUP = STOP_AND_RUN
COLUMNS = ("switch", "state", "why")
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask. For scripts.")]

app = typer.Typer(no_args_is_help=True, help="Show, stop or run kill switches.")


@command(
    app, "list", group=GROUP, example="adtech killswitch list", needs=DATABASE, prints_rows=True
)
def list_switches() -> None:
    """Show for every kill switch whether it is running or stopped, and why.

    Stopped switches are run again from the top down.
    """
    states = run_once(killswitches.overview)
    print_rows(
        COLUMNS,
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
    )


@command(
    app,
    group=GROUP,
    example='adtech killswitch stop payouts "two owners report wrong sums" --as 123456789',
    needs=f"{DATABASE}. No second person",
)
def stop(key: OneSwitch, reason: Reason, person: Person) -> None:
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
            sessions, write_stop, notify=lambda: _say_that_it_waits(key)
        )

    change = run_all(stop_switch)
    out.print(f"{key.value}: STOPPED" + ("" if change.changed else " (it was already)"))
    t = texts.Texts(texts.DEFAULT_LANGUAGE, "")
    for line in stop_screens.details(t, change):
        out.print(line, markup=False)


def _say_that_it_waits(key: Switch) -> None:
    err.print(
        f"{key.value}: NOT stopped yet. A superuser's session locks a table; end it in PostgreSQL."
        " This command waits until the stop is written."
    )


@command(
    app,
    group=GROUP,
    example='adtech killswitch run payouts "the sums are repaired" --as 123456789 --yes',
    needs=ACKNOWLEDGED,
)
def run(key: OneSwitch, reason: Reason, person: Person, *, yes: Yes = False) -> None:
    """Request that a stopped kill switch runs again.

    The switch stays stopped until the person named by `--as` presses a button in the admin chat.
    """
    if not yes:
        confirm(f"Run {key.value} again?")
    request(RequestKind.RUN_SWITCH, {"key": key.value}, reason=reason, person=person)
