"""One process at a time does what need not be done by all: a lease row with an epoch.

The row and not an advisory lock, which lives as long as a connection: a process that hangs keeps
its connection, and nobody would ever take over. Here the database's clock ends the lease, and the
epoch tells a former leader that wakes up late that another has been elected since.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from db.session import Sessions
from services.platform import leases

LEASE = "clock"
TTL = timedelta(seconds=15)
"""A dead leader is replaced within this and one heartbeat."""

log = structlog.get_logger(__name__)


class LeaderElection:
    """This process's part in the election. One for each process."""

    def __init__(self, sessions: Sessions, owner: str, *, ttl: timedelta = TTL) -> None:
        """Leads nothing until it has stood for election."""
        self._sessions = sessions
        self._owner = owner
        self._ttl = ttl
        self._epoch: int | None = None
        self._until = 0.0

    @property
    def leads(self) -> bool:
        """Whether this process believes that it leads; its own clock may end that early."""
        return self._epoch is not None and time.monotonic() < self._until

    async def stand(self) -> None:
        """Takes or prolongs the lease; with every heartbeat."""
        until = time.monotonic() + self._ttl.total_seconds()
        async with self._sessions.begin() as session:
            epoch = await leases.take(session, name=LEASE, owner=self._owner, ttl=self._ttl)
        if epoch is not None and epoch != self._epoch:
            log.info("This process leads now", owner=self._owner, epoch=epoch)
        self._epoch, self._until = epoch, until

    async def step_down(self) -> None:
        """Lets the lease go at a stop, so that nobody need wait for its end."""
        self._epoch = None
        async with self._sessions.begin() as session:
            await leases.release(session, name=LEASE, owner=self._owner)

    def only(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A tick that runs on the leader alone, and asks the database once more whether it is."""

        async def run_if_leader() -> None:
            if self.leads and await self._confirmed():
                await run()

        return run_if_leader

    async def _confirmed(self) -> bool:
        async with self._sessions.begin() as session:
            return self._epoch is not None and await leases.is_held(
                session, name=LEASE, owner=self._owner, epoch=self._epoch
            )
