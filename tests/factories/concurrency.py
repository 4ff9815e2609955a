"""Run several use cases at the same time, each on its own connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from services.platform import errors

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
