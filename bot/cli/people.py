"""Define the `adtech` commands about people: block and unblock a person."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli.shell import Person, out, run_once, staff
from services.market import user_blocks
from services.platform import errors, users

Whom = Annotated[int, typer.Argument(help="Telegram id of the person that it is about.")]
Why = Annotated[str, typer.Argument(help="Why; kept in the audit log.")]

app = typer.Typer(no_args_is_help=True)


@app.command()
def block(whom: Whom, reason: Why, person: Person) -> None:
    """Block a person from everything new. The person's published posts stay until their end."""
    _set(whom, reason, person, blocked=True)


@app.command()
def unblock(whom: Whom, reason: Why, person: Person) -> None:
    """Unblock a person, and restore the channels that only the block has suspended."""
    _set(whom, reason, person, blocked=False)


def _set(whom: int, reason: str, person: int, *, blocked: bool) -> None:
    async def set_blocked(session: AsyncSession) -> bool:
        actor = await staff(session, person)
        user = await users.by_telegram_id(session, whom)
        if user is None:
            raise errors.NotFound("user", whom)
        change = user_blocks.block_by_staff if blocked else user_blocks.unblock
        return await change(session, actor=actor, user_id=user.id, reason=reason)

    changed = run_once(set_blocked)
    state = "blocked" if blocked else "not blocked"
    out.print(f"{whom}: {state}" + ("" if changed else " (they were already)"))
