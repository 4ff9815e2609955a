"""Stop sending by itself while Telegram is down, so that waiting posts lose no attempts."""

import time

import structlog

from bot.telegram.sender import Refused, Sender, SendOutcome, Sent, Uncertain
from db.session import Sessions
from services.posts import telegram_outage

FAILURES = 3
"""The breaker opens after so many sends in a row that got no readable answer."""
ASK_SECONDS = 10.0
"""While the breaker is open, it asks Telegram after each such pause whether it answers again."""

log = structlog.get_logger(__name__)


class Breaker:
    """A circuit breaker that is open while Telegram gives no readable answers; one per process."""

    def __init__(self) -> None:
        """Start closed."""
        self._failures = 0
        self._next_ask_at = 0.0
        self._announced_open: bool | None = None

    @property
    def open(self) -> bool:
        """Whether nothing may be sent."""
        return self._failures >= FAILURES

    def record(self, outcome: SendOutcome) -> None:
        """Count a send: a readable answer closes the breaker, and a failure may open it.

        A refusal is a readable answer too. A send that was stopped on this side changes nothing.
        """
        if isinstance(outcome, Sent | Refused):
            self._failures = 0
        elif isinstance(outcome, Uncertain):
            self._record_failure()
        elif outcome.stop_all:
            self._failures = 0
        elif outcome.counts:
            self._record_failure()

    def _record_failure(self) -> None:
        self._failures += 1
        if self._failures == FAILURES:
            self._next_ask_at = time.monotonic() + ASK_SECONDS
            log.error("Telegram is down: sending stops until it answers again")

    async def announce(self, sessions: Sessions, sender: Sender) -> None:
        """Tell the admin chat, through the outbox, that Telegram is down or answers again."""
        is_open = self.open
        if self._announced_open == is_open:
            return
        if (
            self._announced_open is None
            and not is_open
            and not await self._is_earlier_outage_over(sessions, sender)
        ):
            return
        async with sessions.begin() as session:
            if is_open:
                await telegram_outage.begin(session)
            else:
                await telegram_outage.end(session)
        self._announced_open = is_open

    async def _is_earlier_outage_over(self, sessions: Sessions, sender: Sender) -> bool:
        """Return whether an outage that an earlier process has announced is over, or none is open.

        Telegram is asked at most once in ASK_SECONDS; the answer between is False.
        """
        async with sessions.begin() as session:
            if not await telegram_outage.is_open(session):
                return True
        return await self._is_reachable(sender)

    async def lets_through(self, sender: Sender) -> bool:
        """Return whether posts may be sent.

        While the breaker is open, Telegram is asked once in ASK_SECONDS with a harmless method.
        """
        if not self.open:
            return True
        if not await self._is_reachable(sender):
            return False
        # Telegram is not trusted yet: a single failure opens the breaker again.
        self._failures = FAILURES - 1
        log.warning("Telegram answers again: sending goes on")
        return True

    async def _is_reachable(self, sender: Sender) -> bool:
        """Ask Telegram whether it answers; return False without asking before the next time."""
        if time.monotonic() < self._next_ask_at:
            return False
        self._next_ask_at = time.monotonic() + ASK_SECONDS
        return await sender.is_reachable()
