"""Elect one process for the work that only one process may do: a lease row with an epoch.

The lease is a row and not an advisory lock. An advisory lock lives as long as its connection, and a
process that hangs keeps its connection, so no other process could ever take over. The lease ends by
the database's clock. Its epoch tells a former leader that wakes up late that another process has
been elected since.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from db.session import Sessions
from services.platform import leases

log = structlog.get_logger(__name__)


class LeaderElection:
    """The part of this process in the election for one lease."""

    def __init__(self, sessions: Sessions, *, lease: str, owner: str, ttl: timedelta) -> None:
        """Prepare the election; the process leads only after `acquire_or_renew`.

        `lease` is the name of the lease row. `owner` is unique to this process. A leader that died
        is replaced at the first attempt of another process after `ttl`.
        """
        self._sessions = sessions
        self._lease = lease
        self._owner = owner
        self._ttl = ttl
        self._epoch: int | None = None
        self._valid_until = 0.0

    @property
    def is_elected(self) -> bool:
        """Whether the database's last answer was that this process leads."""
        return self._epoch is not None

    @property
    def is_leader(self) -> bool:
        """Whether this process is elected and its lease has not ended by its own clock."""
        return self.is_elected and time.monotonic() < self._valid_until

    async def acquire_or_renew(self) -> None:
        """Take the lease if it is free, or prolong it if this process holds it.

        If the database raises an error, the last answer stays.
        """
        valid_until = time.monotonic() + self._ttl.total_seconds()
        async with self._sessions.begin() as session:
            epoch = await leases.take(session, name=self._lease, owner=self._owner, ttl=self._ttl)
        if epoch is not None and epoch != self._epoch:
            log.info("This process leads now", lease=self._lease, owner=self._owner, epoch=epoch)
        self._epoch, self._valid_until = epoch, valid_until

    async def step_down(self) -> None:
        """Release the lease at a stop, so that another process need not wait for its end."""
        self._epoch = None
        async with self._sessions.begin() as session:
            await leases.release(session, name=self._lease, owner=self._owner)

    def leader_only(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Wrap a tick, so that it runs on the leader alone.

        The wrapped tick asks the database once more whether this process leads.
        """

        async def run_if_leader() -> None:
            if self.is_leader and await self._is_confirmed():
                await run()

        return run_if_leader

    async def _is_confirmed(self) -> bool:
        """Ask the database whether the lease is still held in the same epoch."""
        async with self._sessions.begin() as session:
            return self._epoch is not None and await leases.is_held(
                session, name=self._lease, owner=self._owner, epoch=self._epoch
            )
