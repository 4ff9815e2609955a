"""Run several use cases at the same time, each on its own connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.platform import errors

Act = Callable[[AsyncSession], Awaitable[Any]]


async def run_concurrently(sessions: Sessions, *acts: Act) -> list[Any]:
    """Run several operations at the same time, each in its own transaction. Return their results.

    If the product refuses an operation, its result is the DomainError of the refusal.
    """

    async def one(act: Act) -> Any:
        try:
            async with sessions.begin() as session:
                return await act(session)
        except errors.DomainError as error:
            return error

    return await asyncio.gather(*(one(act) for act in acts))
