"""Record the statements that a function runs, and read their plans."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Database

Statement = tuple[str, Any]
"""The text of a statement, and its parameters."""


@contextmanager
def recorded(database: Database) -> Iterator[list[Statement]]:
    """Yield a list to which each statement in the `with` block is added."""
    engine = database.sessions.kw["bind"].sync_engine
    ran: list[Statement] = []

    def record(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        ran.append((sql, values))

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield ran
    finally:
        event.remove(engine, "before_cursor_execute", record)


async def plans_of(
    database: Database, act: Callable[[AsyncSession], Awaitable[object]]
) -> list[str]:
    """Return the plan of each statement that `act` runs. What `act` does is undone."""
    async with database.sessions() as session:
        with recorded(database) as ran:
            await act(session)
        await session.rollback()
        connection = await session.connection()
        plans = [await connection.exec_driver_sql(f"EXPLAIN {sql}", values) for sql, values in ran]
    return ["\n".join(row[0] for row in plan) for plan in plans]
