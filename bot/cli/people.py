"""Define the `adtech` commands about blocks and staff roles.

A command that changes something makes a request for the admin chat.
"""

from typing import Annotated

import typer

from bot.cli.shell import Person, out, print_rows, request, run_once
from db.models.users import RequestKind, Role
from services.platform import roles

Whom = Annotated[int, typer.Argument(help="Telegram id of the person to act on.")]
Why = Annotated[str, typer.Argument(help="The reason. The audit log keeps it.")]

app = typer.Typer(no_args_is_help=True)


@app.command()
def block(whom: Whom, reason: Why, person: Person) -> None:
    """Request to block a person. A blocked person cannot buy, sell, pay or withdraw.

    The person's published posts stay in their channels until the agreed time is over. If the person
    has a staff role, a second super admin must confirm the request.
    """
    request(RequestKind.BLOCK, {}, reason=reason, person=person, subject=whom)


@app.command()
def unblock(whom: Whom, reason: Why, person: Person) -> None:
    """Request to unblock a person. Channels that only the block suspended are restored.

    If the person has a staff role, a second super admin must confirm the request.
    """
    request(RequestKind.UNBLOCK, {}, reason=reason, person=person, subject=whom)


@app.command("grant-role")
def grant_role(whom: Whom, role: Role, reason: Why, person: Person) -> None:
    """Request a staff role for a person who has used the bot.

    A second super admin must confirm the request.
    """
    request(
        RequestKind.GRANT_ROLE, {"role": role.value}, reason=reason, person=person, subject=whom
    )


@app.command("revoke-role")
def revoke_role(whom: Whom, role: Role, reason: Why, person: Person) -> None:
    """Request to take a staff role from a person.

    A second super admin must confirm the request.
    """
    request(
        RequestKind.REVOKE_ROLE, {"role": role.value}, reason=reason, person=person, subject=whom
    )


@app.command("staff")
def list_staff() -> None:
    """Show the people with a staff role."""
    people = run_once(roles.staff)
    print_rows(
        [
            {
                "person": user.telegram_id,
                "roles": ", ".join(sorted(role.value for role in roles_)),
                "state": "blocked: no role counts" if user.blocked else "",
            }
            for user, roles_ in people
        ],
        out,
    )
