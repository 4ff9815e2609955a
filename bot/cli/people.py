"""Define the `adtech` commands about blocks and staff roles.

A command that changes something makes a request for the admin chat.
"""

from typing import Annotated

import typer

from bot.cli.commands import ACKNOWLEDGED, CONFIRMED, DATABASE, PEOPLE, command
from bot.cli.shell import Person, Reason, request, run_once, telegram_id
from bot.cli.tables import print_rows
from db.models.users import RequestKind, Role
from services.platform import roles

_ROLES = ", ".join(role.value for role in Role)


def _role(value: str) -> Role:
    """Read the name of a role. Raises BadParameter with the known roles."""
    try:
        return Role(value)
    except ValueError:
        raise typer.BadParameter(f"there is no role {value!r}. Known: {_ROLES}") from None


Whom = Annotated[
    int,
    typer.Argument(
        parser=telegram_id, metavar="PERSON", help="Telegram id of the person to act on."
    ),
]
NeededRole = Annotated[Role, typer.Argument(parser=_role, metavar="ROLE", help=f"{_ROLES}.")]
_BLOCK_NEEDS = f"{ACKNOWLEDGED}; about a person with a role, a second super admin confirms"

app = typer.Typer(no_args_is_help=True)


@command(
    app,
    group=PEOPLE,
    example='adtech block 555 "sells another person\'s channel" --as 123456789',
    needs=_BLOCK_NEEDS,
)
def block(whom: Whom, reason: Reason, person: Person) -> None:
    """Request to block a person. A blocked person cannot buy, sell, pay or withdraw.

    The person's published posts stay in their channels until the agreed time is over. If the person
    has a staff role, a second super admin must confirm the request.
    """
    request(RequestKind.BLOCK, {}, reason=reason, person=person, subject=whom)


@command(
    app,
    group=PEOPLE,
    example='adtech unblock 555 "the channel is his own" --as 123456789',
    needs=_BLOCK_NEEDS,
)
def unblock(whom: Whom, reason: Reason, person: Person) -> None:
    """Request to unblock a person. Channels that only the block suspended are restored.

    If the person has a staff role, a second super admin must confirm the request.
    """
    request(RequestKind.UNBLOCK, {}, reason=reason, person=person, subject=whom)


@command(
    app,
    "grant-role",
    group=PEOPLE,
    example='adtech grant-role 555 operator "on call from Monday" --as 123456789',
    needs=CONFIRMED,
)
def grant_role(whom: Whom, role: NeededRole, reason: Reason, person: Person) -> None:
    """Request a staff role for a person who has used the bot.

    A second super admin must confirm the request.
    """
    request(
        RequestKind.GRANT_ROLE, {"role": role.value}, reason=reason, person=person, subject=whom
    )


@command(
    app,
    "revoke-role",
    group=PEOPLE,
    example='adtech revoke-role 555 operator "has left" --as 123456789',
    needs=CONFIRMED,
)
def revoke_role(whom: Whom, role: NeededRole, reason: Reason, person: Person) -> None:
    """Request to take a staff role from a person.

    A second super admin must confirm the request.
    """
    request(
        RequestKind.REVOKE_ROLE, {"role": role.value}, reason=reason, person=person, subject=whom
    )


@command(app, "staff", group=PEOPLE, example="adtech staff --csv", needs=DATABASE, prints_rows=True)
def list_staff() -> None:
    """Show the people with a staff role."""
    people = run_once(roles.staff)
    print_rows(
        ("person", "roles", "state"),
        [
            {
                "person": user.telegram_id,
                "roles": ", ".join(sorted(role.value for role in roles_)),
                "state": "blocked: no role counts" if user.blocked else "",
            }
            for user, roles_ in people
        ],
    )
