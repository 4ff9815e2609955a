"""Stops sending by itself while Telegram is down, so that waiting posts lose no attempts."""

import time

import structlog

from bot.telegram.sender import Refused, Sender, SendOutcome, Sent, Uncertain
from db.session import Sessions
from services.posts import telegram_outage

FAILURES = 3
"""So many sends in a row without a readable answer open it."""
ASK_SECONDS = 10.0
"""While open, Telegram is asked so often whether it is back."""

log = structlog.get_logger(__name__)


class Breaker:
    """Open while Telegram gives no readable answers. One for each process."""

    def __init__(self) -> None:
        """Starts closed."""
        self._failures = 0
        self._ask_at = 0.0
        self._told: bool | None = None

    @property
    def open(self) -> bool:
        """Whether nothing may be sent."""
        return self._failures >= FAILURES

    def note(self, outcome: SendOutcome) -> None:
        """Learns from a send: any readable answer, a refusal too, shows that Telegram is there."""
        if isinstance(outcome, Sent | Refused):
            self._failures = 0
        elif isinstance(outcome, Uncertain):
            self._fail()
        elif outcome.stop_all:
            self._failures = 0
        elif outcome.counts:
            self._fail()

    def _fail(self) -> None:
        self._failures += 1
        if self._failures == FAILURES:
            self._ask_at = time.monotonic() + ASK_SECONDS
            log.error("Telegram is down: sending stops until it answers again")

    async def tell(self, sessions: Sessions, sender: Sender) -> None:
        """Tells the admin chat, through the outbox, that Telegram is down or back."""
        down = self.open
        if self._told == down:
            return
        if self._told is None and not down and not await self._may_start(sessions, sender):
            return
        async with sessions.begin() as session:
            if down:
                await telegram_outage.begin(session)
            else:
                await telegram_outage.end(session)
        self._told = down

    async def _may_start(self, sessions: Sessions, sender: Sender) -> bool:
        """Whether an outage that an earlier process has told of is over by now."""
        async with sessions.begin() as session:
            if not await telegram_outage.is_open(session):
                return True
        if time.monotonic() < self._ask_at:
            return False
        self._ask_at = time.monotonic() + ASK_SECONDS
        return await sender.is_reachable()

    async def lets_through(self, sender: Sender) -> bool:
        """Whether sends may go on; while open, now and then asks Telegram something harmless."""
        if not self.open:
            return True
        if time.monotonic() < self._ask_at:
            return False
        self._ask_at = time.monotonic() + ASK_SECONDS
        if not await sender.is_reachable():
            return False
        # Not yet trusted: a single failure opens it again.
        self._failures = FAILURES - 1
        log.warning("Telegram answers again: sending goes on")
        return True
