"""Elect one process (the leader) for the work that only one process may do.

The leader holds a lease, which is a row with an end time and an epoch. The epoch is a number that
grows with each election. The clock of the database decides when a lease ends. If a process hangs,
its lease ends and another process is elected. When the process continues, it sees the new epoch and
knows that it is no longer the leader.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from db.session import Sessions
from services.platform import leases

log = structlog.get_logger(__name__)


class LeaderElection:
    """One process in an election. It takes, renews and releases the right to be the leader."""

    def __init__(self, sessions: Sessions, *, lease: str, owner: str, ttl: timedelta) -> None:
        """Prepare the election. The process can be the leader only after `acquire_or_renew`.

        `lease` is the name of the lease, the right to be the leader. `owner` is a name of this
        process that no other process has. `ttl` is the length of the lease. If the leader crashes,
        another process can become the leader after the lease has ended.
        """
        self._sessions = sessions
        self._lease = lease
        self._owner = owner
        self._ttl = ttl
        self._epoch: int | None = None
        self._valid_until = 0.0

    @property
    def is_elected(self) -> bool:
        """True if this process is the leader according to the last answer of the database."""
        return self._epoch is not None

    @property
    def is_leader(self) -> bool:
        """True if this process is elected and, by its own clock, its lease has not ended.

        The lease is the right to be the leader.
        """
        return self.is_elected and time.monotonic() < self._valid_until

    async def acquire_or_renew(self) -> None:
        """Take the lease if the lease is free, or renew it if this process holds it.

        The lease is the right to be the leader. `is_elected` says whether this process holds it
        now. If the database fails, the error is raised, and `is_elected` keeps its value.
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
        """Release the lease (the right to be the leader), so that another process can take it."""
        self._epoch = None
        async with self._sessions.begin() as session:
            await leases.release(session, name=self._lease, owner=self._owner)

    def leader_only(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Return a function that calls `run` only if this process is the leader.

        Before each call of `run`, the function asks the database whether the process is still the
        leader.
        """

        async def run_if_leader() -> None:
            if self.is_leader and await self._is_confirmed():
                await run()

        return run_if_leader

    async def _is_confirmed(self) -> bool:
        """Ask the database whether this process is still the leader of the same election."""
        async with self._sessions.begin() as session:
            return self._epoch is not None and await leases.is_held(
                session, name=self._lease, owner=self._owner, epoch=self._epoch
            )
