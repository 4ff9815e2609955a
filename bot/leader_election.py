"""Elect one process (the leader) for the work that only one process may do.

The leader holds a lease, which ends by the database's clock.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from db.session import Sessions
from services.platform import leases

log = structlog.get_logger(__name__)


class LeaderElection:
    """One process in an election of the leader."""

    def __init__(self, sessions: Sessions, *, lease: str, owner: str, ttl: timedelta) -> None:
        """Prepare the election. Only `acquire_or_renew` can make this process the leader.

        `owner` is a name that no other process has. `ttl` is the length of the lease.
        """
        self._sessions = sessions
        self._lease = lease
        self._owner = owner
        self._ttl = ttl
        self._epoch: int | None = None
        self._valid_until = 0.0

    @property
    def is_elected(self) -> bool:
        """True if this process is the leader according to the database's last answer."""
        return self._epoch is not None

    @property
    def is_leader(self) -> bool:
        """True if this process is elected and its own clock has not passed the end of the lease."""
        return self.is_elected and time.monotonic() < self._valid_until

    async def acquire_or_renew(self) -> None:
        """Take the lease if the lease is free, or renew the lease of this process.

        If the database fails, the error is raised, and `is_elected` keeps its value.
        """
        valid_until = time.monotonic() + self._ttl.total_seconds()
        async with self._sessions.begin() as session:
            epoch = await leases.acquire(
                session, name=self._lease, owner=self._owner, ttl=self._ttl
            )
        if epoch is not None and epoch != self._epoch:
            log.info("This process leads now", lease=self._lease, owner=self._owner, epoch=epoch)
        self._epoch, self._valid_until = epoch, valid_until

    async def step_down(self) -> None:
        """Release the lease."""
        self._epoch = None
        async with self._sessions.begin() as session:
            await leases.release(session, name=self._lease, owner=self._owner)

    def leader_only(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Return a function that calls `run` only while this process is the leader."""

        async def run_if_leader() -> None:
            if self.is_leader and await self._is_confirmed():
                await run()

        return run_if_leader

    async def _is_confirmed(self) -> bool:
        async with self._sessions.begin() as session:
            return self._epoch is not None and await leases.is_held(
                session, name=self._lease, owner=self._owner, epoch=self._epoch
            )
