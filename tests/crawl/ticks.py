"""Run the scheduler's work between the steps of a walk."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.alert_routes import AlertRoutes
from bot.leader_election import LeaderElection
from bot.telegram.answers import create_notice_bot
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import Sender
from scheduler.__main__ import LEADER_LEASE, LEADER_TTL, ticks
from scheduler.alerts import AlertWatch
from scheduler.breaker import Breaker
from scheduler.clock import Tick
from scheduler.dispatch import PostingWorker
from scheduler.notice_delivery import OutboxWorker
from tests.handlers.marketplace import Marketplace
from tests.sandbox.telegram.raw_world import BOT_TOKEN
from tests.scheduler.scene import NO_REDIS

NOTICES = ("alarms", "outbox")
_NEVER = frozenset({"hanging sessions", "purge", "alerts"})
"""Ticks about other processes and about long times."""
_IS_NOTICE_DUE = "SELECT EXISTS (SELECT FROM outbox WHERE status = 'queued' AND due_at <= clock())"
_OWNER = "crawl"
_SEND_SECONDS = 2.0


@dataclass
class Scheduler:
    """All ticks of a scheduler process, which run when the walk wants it."""

    market: Marketplace
    failed: Callable[[str, Exception], None]
    """A function that gets the name and the error of each tick that failed."""
    worker: PostingWorker = field(init=False)
    outbox: OutboxWorker = field(init=False)
    _leader: LeaderElection = field(init=False)
    _ticks: list[Tick] = field(init=False)

    def __post_init__(self) -> None:
        market, sessions = self.market, self.market.database.sessions
        limiter = RateLimiter(NO_REDIS)
        stopping = asyncio.Event()
        settings = market.dependencies.settings
        sender = Sender(token=BOT_TOKEN, api_url=market.world.url, seconds=_SEND_SECONDS)
        self.worker = PostingWorker(
            sessions, sender, limiter, Breaker(), _OWNER, settings.post_lease, stopping
        )
        self.outbox = OutboxWorker(
            sessions,
            limiter,
            create_notice_bot(BOT_TOKEN, market.world.url, market.dependencies.admin_chat),
            market.dependencies.admin_chat,
            settings.currency,
            stopping,
        )
        self._leader = LeaderElection(sessions, lease=LEADER_LEASE, owner=_OWNER, ttl=LEADER_TTL)
        watch = AlertWatch(
            sessions,
            limiter,
            self._leader,
            AlertRoutes(settings),
            settings.currency,
            settings.escrow_sla,
        )
        self._ticks = ticks(settings, self.worker, self.outbox, self._leader, watch)

    async def close(self) -> None:
        """Close the connections."""
        await self.outbox.bot.session.close()
        await self.worker.sender.close()
        await self.worker.limiter.close()

    async def deliver(self) -> None:
        """Deliver the notices that are due, if there are any."""
        if not await self.market.value(_IS_NOTICE_DUE):
            return
        await self._run([tick for tick in self._ticks if tick.name in NOTICES])

    async def work(self) -> None:
        """Run every tick once, and deliver the notices."""
        await self._leader.acquire_or_renew()
        await self._run([tick for tick in self._ticks if tick.name not in {*_NEVER, *NOTICES}])
        await self.deliver()

    async def forward(self, by: timedelta) -> None:
        """Let time pass for the database and for Telegram."""
        state = self.market.world.state
        state.set("clock_shift", state.shift + by.total_seconds())
        state.commit()
        await self.market.database.forward(by)

    async def _run(self, due: list[Tick]) -> None:
        for tick in due:
            try:
                await tick.run()
                await asyncio.gather(*self.worker.under_way)
            except Exception as error:  # noqa: BLE001 - each error of a tick is a fault
                self.failed(tick.name, error)
