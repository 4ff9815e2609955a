"""`adtech`, about people: who may take part."""

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
    """Block a person: nothing new of theirs begins, what is live runs its course."""
    _set(whom, reason, person, blocked=True)


@app.command()
def unblock(whom: Whom, reason: Why, person: Person) -> None:
    """Let a blocked person in again, with the channels that only this had closed."""
    _set(whom, reason, person, blocked=False)


def _set(whom: int, reason: str, person: int, *, blocked: bool) -> None:
    async def act(session: AsyncSession) -> bool:
        actor = await staff(session, person)
        user = await users.by_telegram_id(session, whom)
        if user is None:
            raise errors.NotFound("user", whom)
        change = user_blocks.block_by_staff if blocked else user_blocks.unblock
        return await change(session, actor=actor, user_id=user.id, reason=reason)

    changed = run_once(act)
    state = "blocked" if blocked else "not blocked"
    out.print(f"{whom}: {state}" + ("" if changed else " (they were already)"))
