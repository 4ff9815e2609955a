"""What the commands of `adtech` share: one act in one transaction, and its words."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import errors as texts_of_errors
from bot import logging, settings
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.session import Sessions, create_engine, create_sessions
from services.platform import actors, audit, errors, users
from services.platform.actors import Actor

COMMAND_LINE = "command-line"
T = TypeVar("T")
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
Person = Annotated[int, typer.Option("--as", help="Telegram id of the person who does it.")]
out = Console()
err = Console(stderr=True)


async def staff(session: AsyncSession, telegram_id: int) -> Actor:
    """Return the person who was named; whoever has this shell is as good as in the admin chat."""
    user = await users.by_telegram_id(session, telegram_id)
    if user is None:
        raise errors.NotFound("user", telegram_id)
    actor = Actor(user.id, await users.roles(session, user.id), in_admin_chat=True)
    _acting.set(actor)
    return actor


def run_once(act: Callable[[AsyncSession], Awaitable[T]], *, as_owner: bool = False) -> T:
    """Do one thing in one transaction; a refusal is a sentence and exit 1.

    As the application, or as the owner of the tables (MIGRATION_DATABASE_URL).
    """

    async def once(sessions: Sessions) -> T:
        async with sessions.begin() as session:
            return await act(session)

    return run_all(once, as_owner=as_owner)


def run_all(act: Callable[[Sessions], Awaitable[T]], *, as_owner: bool = False) -> T:
    """Do something that takes several transactions; as `run_once`."""
    configured = settings.load()
    logging.setup(configured)
    url = configured.migration_database_url if as_owner else configured.database_url
    if url is None:
        err.print("MIGRATION_DATABASE_URL is missing.")
        sys.exit(2)

    async def inside() -> T:
        engine = create_engine(url.get_secret_value())
        sessions = create_sessions(engine)
        try:
            return await act(sessions)
        except texts_of_errors.AUDITED as refusal:
            await _write_down(sessions, refusal)
            raise
        finally:
            await engine.dispose()

    actors.correlation_id.set(COMMAND_LINE)
    try:
        return asyncio.run(inside())
    except errors.DomainError as refusal:
        texts = Texts(DEFAULT_LANGUAGE, configured.currency)
        err.print(texts_of_errors.explain(texts, refusal), markup=False)
    except (DBAPIError, OSError) as trouble:
        err.print(f"The database did not answer ({type(trouble).__name__}).")
    sys.exit(1)


async def _write_down(sessions: Sessions, refusal: errors.DomainError) -> None:
    """Keep who was refused what, as the bot does; of a command for which nobody was named, nothing.

    In a transaction of its own, since the refused one rolled back.
    """
    actor = _acting.get()
    if actor is not None:
        action = refusal.action if isinstance(refusal, errors.AccessDenied) else COMMAND_LINE
        async with sessions.begin() as session:
            await audit.denied(session, actor=actor, action=action, error=refusal)


def print_rows(rows: list[dict[str, object]], console: Console) -> None:
    """Print rows as a table, or say that there are none."""
    if not rows:
        console.print("No rows.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    console.print(table)
