"""Delete old rows in small batches, each in a transaction of its own."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from scheduler.error_isolation import isolate_errors
from services.platform import inbox, outbox, retention

SECONDS = 10.0
"""One run begins no new batch of a table after this time. The next run continues."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Retention:
    """The work of the tick `purge`. `keep` is how long rows are kept after they have ended."""

    def __init__(self, sessions: Sessions, keep: timedelta) -> None:
        """Begin with the first post job. After a restart, the jobs are read from there again."""
        self._sessions = sessions
        self._keep = keep
        self._job = 0

    async def run(self) -> None:
        """Delete the old rows of each table. An error in one table does not stop the others.

        Raises only if the database is not available.
        """
        for purge in (inbox.purge, outbox.purge_late_answers, retention.purge_heartbeats):
            with isolate_errors("purge"):
                await self._call(purge)
        for name, purge_batch in (
            ("outbox", self._purge_outbox),
            ("ledger_checkpoints", self._purge_checkpoints),
            ("post_checks", self._purge_post_checks),
            ("click_hashes", self._purge_clicks),
        ):
            with isolate_errors("purge"):
                await self._in_batches(name, purge_batch)

    async def _in_batches(
        self, name: str, purge_batch: Callable[[AsyncSession], Awaitable[tuple[int, bool]]]
    ) -> None:
        """Call `purge_batch` until it returns that no more rows are left, or the time is over."""
        until = time.monotonic() + SECONDS
        total, has_more = 0, True
        while has_more and time.monotonic() < until:
            deleted, has_more = await self._call(purge_batch)
            total += deleted
        if total:
            log.info("Old rows deleted", table=name, rows=total)

    async def _call(self, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with self._sessions.begin() as session:
            return await act(session)

    async def _purge_outbox(self, session: AsyncSession) -> tuple[int, bool]:
        deleted = await retention.purge_outbox(session, self._keep)
        return deleted, deleted == retention.BATCH

    async def _purge_checkpoints(self, session: AsyncSession) -> tuple[int, bool]:
        deleted = await retention.purge_checkpoints(session, self._keep)
        return deleted, deleted == retention.BATCH

    @staticmethod
    async def _purge_clicks(session: AsyncSession) -> tuple[int, bool]:
        deleted = await retention.purge_clicks(session)
        return deleted, deleted == retention.BATCH

    async def _purge_post_checks(self, session: AsyncSession) -> tuple[int, bool]:
        deleted, last_job = await retention.purge_post_checks(session, self._keep, self._job)
        self._job = last_job or 0
        return deleted, last_job is not None
