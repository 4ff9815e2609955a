"""Define the argument of `adtech` commands that names one kill switch."""

from typing import Annotated

import typer

from db.models.operations import Switch

EVERY = "all"


def one_switch(value: str) -> Switch:
    """Read the name of a kill switch. Raises BadParameter for `all` and for an unknown name."""
    if value == EVERY:
        raise typer.BadParameter(
            "each switch is run again separately, so name one. To stop everything at once:"
            " adtech stop all"
        )
    if value not in set(Switch):
        known = ", ".join(switch.value for switch in Switch)
        raise typer.BadParameter(f"there is no such switch. Known: {known}")
    return Switch(value)


OneSwitch = Annotated[
    Switch, typer.Argument(parser=one_switch, metavar="KEY", help="The name of the switch.")
]
