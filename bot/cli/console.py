"""What the commands share: a transaction, a refusal as a sentence, rows as a table."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import errors as texts_of_errors
from bot import logging, settings
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.session import Sessions, create_engine, create_sessions
from services import actors, errors

T = TypeVar("T")
out = Console()
err = Console(stderr=True)


def run(act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do one thing in one transaction; a refusal is a sentence and exit 1."""

    async def once(sessions: Sessions) -> T:
        async with sessions.begin() as session:
            return await act(session)

    return run_all(once)


def run_all(act: Callable[[Sessions], Awaitable[T]]) -> T:
    """Do something that takes several transactions; a refusal is a sentence and exit 1."""
    configured = settings.load()
    logging.setup(configured)

    async def inside() -> T:
        engine = create_engine(configured.database_url.get_secret_value())
        try:
            return await act(create_sessions(engine))
        finally:
            await engine.dispose()

    actors.correlation_id.set("command-line")
    try:
        return asyncio.run(inside())
    except errors.DomainError as refusal:
        texts = Texts(DEFAULT_LANGUAGE, configured.currency)
        err.print(texts_of_errors.explain(texts, refusal), markup=False)
    except (DBAPIError, OSError) as trouble:
        err.print(f"The database did not answer ({type(trouble).__name__}).")
    sys.exit(1)


def print_rows(rows: list[dict[str, object]], console: Console) -> None:
    """Print rows as a table, or say that there are none."""
    if not rows:
        console.print("No rows.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
