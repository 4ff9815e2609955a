"""Define the `adtech` commands about people: blocks, staff roles and reversed payments.

Each command that changes something only makes a request. The person in whose name it was typed
acknowledges it in the admin chat.
"""

from typing import Annotated

import typer

from bot.cli.shell import Person, out, print_rows, request, run_once
from db.models.users import RequestKind, Role
from services.platform import roles

Whom = Annotated[int, typer.Argument(help="Telegram id of the person that it is about.")]
Why = Annotated[str, typer.Argument(help="Why; kept in the audit log.")]

app = typer.Typer(no_args_is_help=True)


@app.command()
def block(whom: Whom, reason: Why, person: Person) -> None:
    """Block a person from everything new. The person's published posts stay until their end."""
    request(RequestKind.BLOCK, {}, reason=reason, person=person, subject=whom)


@app.command()
def unblock(whom: Whom, reason: Why, person: Person) -> None:
    """Unblock a person, and restore the channels that only the block has suspended."""
    request(RequestKind.UNBLOCK, {}, reason=reason, person=person, subject=whom)


@app.command("grant-role")
def grant_role(whom: Whom, role: Role, reason: Why, person: Person) -> None:
    """Grant a staff role to a person who has used the bot. A second super admin confirms it."""
    request(
        RequestKind.GRANT_ROLE, {"role": role.value}, reason=reason, person=person, subject=whom
    )


@app.command("revoke-role")
def revoke_role(whom: Whom, role: Role, reason: Why, person: Person) -> None:
    """Take a staff role from a person. A second super admin confirms it."""
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
