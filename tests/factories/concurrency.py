"""Run several use cases at the same time, each on its own connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.platform import errors

PATIENCE = 60.0
Act = Callable[[AsyncSession], Awaitable[Any]]


async def run_concurrently(sessions: Sessions, *acts: Act) -> list[Any]:
    """Run operations at the same time, and return the result or the DomainError of each."""

    async def one(act: Act) -> Any:
        try:
            async with sessions.begin() as session:
                return await act(session)
        except errors.DomainError as error:
            return error

    return await asyncio.gather(*(one(act) for act in acts))


async def run_behind(
    sessions: Sessions, first: Act, second: Act, *, last: Act | None = None
) -> Any:
    """Commit the first operation only after the second waits for a lock.

    `last` runs before this commit in the transaction of the first operation. Return the result or
    the DomainError of the second operation.
    """
    async with sessions.begin() as session:
        await first(session)
        waiting = asyncio.create_task(run_concurrently(sessions, second))
        async with asyncio.timeout(PATIENCE):
            while not await _is_waiting(sessions) and not waiting.done():
                await asyncio.sleep(0.01)
        if last is not None:
            await last(session)
    return (await waiting)[0]


async def _is_waiting(sessions: Sessions) -> bool:
    # The database shows a transaction only the state at its first look.
    async with sessions.begin() as session:
        waiting = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )
        return bool(waiting)
