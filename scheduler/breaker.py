"""Stop the sends of ads while Telegram is down, so that no attempts are wasted."""

import time

import structlog

from bot.telegram.sender import Refused, Sender, SendOutcome, Sent, Uncertain
from db.session import Sessions
from services.posts import telegram_outage

FAILURE_THRESHOLD = 3
"""The breaker opens (stops the sends) after this number of sends in a row without a clear answer.
"""
REACHABLE_CHECK_SECONDS = 10.0
"""While the breaker is open, the process asks Telegram again after each pause of this length."""

log = structlog.get_logger(__name__)


class Breaker:
    """The state that stops the sends of one process while Telegram gives no clear answers.

    The breaker is open while nothing may be sent, and closed otherwise. Each process has one.
    """

    def __init__(self) -> None:
        """Create a closed breaker."""
        self._failures = 0
        self._next_ask_at = 0.0
        self._announced_open: bool | None = None

    @property
    def open(self) -> bool:
        """Whether the breaker is open, that is, whether nothing may be sent."""
        return self._failures >= FAILURE_THRESHOLD

    def record(self, outcome: SendOutcome) -> None:
        """Count the outcome of a send: a failure may open the breaker, and a success closes it.

        A failure is a send without an answer, or with an answer that is unclear (for example an
        error of Telegram's servers). A refusal of the ad or of the bot itself counts as a success,
        because Telegram has answered. An answer with status 429 changes nothing, and neither does a
        send that this process stopped before its first byte.
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

        Nothing is done if the state has not changed since the last notice.
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

        The result is True if no outage is recorded. Otherwise Telegram is asked, but at most one
        time in REACHABLE_CHECK_SECONDS; between two such questions, the result is False.
        """
        async with sessions.begin() as session:
            if not await telegram_outage.is_open(session):
                return True
        return await self._is_reachable(sender)

    async def allows_sending(self, sender: Sender) -> bool:
        """Return whether posts may be sent.

        If the breaker is open, Telegram is asked for a sign of life, at most one time in
        REACHABLE_CHECK_SECONDS. If Telegram answers, the breaker closes, but the next failure opens
        it again.
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
        """Ask Telegram for a sign of life; return whether it answers.

        The result is False, without a request, for REACHABLE_CHECK_SECONDS after the last request.
        """
        if time.monotonic() < self._next_ask_at:
            return False
        self._next_ask_at = time.monotonic() + REACHABLE_CHECK_SECONDS
        return await sender.is_reachable()
