"""Stop the sends of ads while Telegram is down."""

import time

import structlog

from bot.telegram.sender import Refused, Sender, SendOutcome, Sent, Uncertain
from db.session import Sessions
from services.posts import telegram_outage

FAILURE_THRESHOLD = 3
"""After this many sends in a row without a clear answer, the breaker stops the sends."""
REACHABLE_CHECK_SECONDS = 10.0
"""While the sends are stopped, the process asks Telegram for an answer at this interval."""

log = structlog.get_logger(__name__)


class Breaker:
    """A state that stops the sends of ads while Telegram gives no clear answers.

    While the breaker is open, nothing may be sent. Each process has one breaker.
    """

    def __init__(self) -> None:
        """Create a closed breaker."""
        self._failures = 0
        self._next_ask_at = 0.0
        self._announced_open: bool | None = None

    @property
    def open(self) -> bool:
        """Whether the breaker is open. While the breaker is open, nothing may be sent."""
        return self._failures >= FAILURE_THRESHOLD

    def record(self, outcome: SendOutcome) -> None:
        """Count the outcome of a send: a failure can open the breaker, and a success closes it.

        A failure is a send without an answer or with an unclear answer, for example an error of
        Telegram's servers. If Telegram refuses the ad or the bot itself, this counts as a success,
        because Telegram has answered. An answer with status 429 (too many requests) changes
        nothing. A send that this process stopped before its first byte changes nothing either.
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
        """Notify the admin chat, through the outbox, when Telegram goes down or answers again.

        If the state has not changed since the last notice, nothing is done.
        """
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
        """Return whether the outage that an earlier process has recorded is over.

        If no outage is recorded, the result is True. Otherwise the process asks Telegram for an
        answer, at most one time in REACHABLE_CHECK_SECONDS. Between two such requests, the result
        is False.
        """
        async with sessions.begin() as session:
            if not await telegram_outage.is_open(session):
                return True
        return await self._is_reachable(sender)

    async def allows_sending(self, sender: Sender) -> bool:
        """Return whether posts may be sent.

        If the breaker is open, the process asks Telegram for an answer, at most one time in
        REACHABLE_CHECK_SECONDS. If Telegram answers, the breaker closes. After that, one failure is
        enough to open the breaker.
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
        """Send a request to Telegram, and return whether Telegram answers.

        For REACHABLE_CHECK_SECONDS after a request, the result is False and no request is sent.
        """
        if time.monotonic() < self._next_ask_at:
            return False
        self._next_ask_at = time.monotonic() + REACHABLE_CHECK_SECONDS
        return await sender.is_reachable()
