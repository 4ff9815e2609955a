"""Stop the sends of ads while Telegram is down."""

import time

import structlog

from bot.telegram.send_outcomes import Refused, SendOutcome, Sent, Uncertain
from bot.telegram.sender import Sender
from db.session import Sessions
from services.posts import telegram_outage

FAILURE_THRESHOLD = 3
"""After this many sends in a row without a clear answer, sends stop."""
REACHABLE_CHECK_SECONDS = 10.0
"""The interval of the requests to Telegram while sends are stopped."""

log = structlog.get_logger(__name__)


class Breaker:
    """A state that stops the ads of one process while Telegram gives no clear answers."""

    def __init__(self) -> None:
        self._failures = 0
        self._next_ask_at = 0.0
        self._announced_open: bool | None = None

    @property
    def open(self) -> bool:
        """Whether sends are stopped."""
        return self._failures >= FAILURE_THRESHOLD

    def record(self, outcome: SendOutcome) -> None:
        """Count the outcome of a send. Failures can stop the sends, and a success ends the stop.

        A failure is a send without a clear answer. A refusal by Telegram is a clear answer. Status
        429 and a send that never began change nothing.
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
        if self._failures == FAILURE_THRESHOLD:
            self._next_ask_at = time.monotonic() + REACHABLE_CHECK_SECONDS
            log.error("Telegram is down: sending stops until it answers again")

    async def announce(self, sessions: Sessions, sender: Sender) -> None:
        """Notify the admin chat once when Telegram goes down or answers again."""
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
        """Return whether no outage is recorded, or Telegram answers again."""
        async with sessions.begin() as session:
            if not await telegram_outage.is_open(session):
                return True
        return await self._is_reachable(sender)

    async def allows_sending(self, sender: Sender) -> bool:
        """Return whether posts may be sent.

        While sends are stopped, asks Telegram at most once in REACHABLE_CHECK_SECONDS. After
        Telegram's answer, one failure stops the sends again.
        """
        if not self.open:
            return True
        if not await self._is_reachable(sender):
            return False
        # Telegram is not trusted yet: a single failure opens the breaker again.
        self._failures = FAILURE_THRESHOLD - 1
        log.warning("Telegram answers again: sending goes on")
        return True

    async def _is_reachable(self, sender: Sender) -> bool:
        """Return whether Telegram answers a request.

        For REACHABLE_CHECK_SECONDS after a request, the result is False and no request is sent.
        """
        if time.monotonic() < self._next_ask_at:
            return False
        self._next_ask_at = time.monotonic() + REACHABLE_CHECK_SECONDS
        return await sender.is_reachable()
