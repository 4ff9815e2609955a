"""Define Telegram's limits as rules, and keep the limits in the memory of one process.

A slot is the permission to send one message. A notice is a message that is not an ad.
"""

import time
from collections import deque
from typing import NamedTuple

PER_SECOND = 30
"""The number of messages per second that Telegram allows a bot in all chats together, if the
settings name no other number."""
PER_MINUTE = 20
"""The number of messages per minute that Telegram allows a bot in one group or channel."""
KEPT_FOR_ALARMS = 5
"""How many slots (permissions to send one message) of each minute of a group are kept back. Only
alarms, and the later parts of a message that has begun, get these slots."""
KEPT_FROM_ANSWERS = 2
"""In each minute of a group, answers to the staff leave at least this number of messages to alarms.
"""
SHARE_FOR_ADS = 0.2
"""The fraction of the messages of each second that is reserved for ads."""
NOTICE_MARK_MS = 2_000
"""A notice is a message that is not an ad. In each interval of this number of milliseconds, one
notice can use a slot that is reserved for ads. Therefore a notice never waits for ever."""
PROCESSES = 3
"""Without Redis, each process divides the common limit by this number. The processes are the bot,
the scheduler and one more process."""
PENDING_MS = 2_000
"""If Telegram has not answered a message, the limiter assumes that the answer comes this number of
milliseconds after the time of sending."""
PACE = 0.75
"""The smallest gap between two messages, as a fraction of the even gap.

The even gap is one second divided by the limit. The smallest gap prevents many messages at one
moment. It is smaller than the even gap, so that a bot that was late can catch up.
"""
LEAD_MS = 400
"""The limiter gives the permission to send a message at most this number of milliseconds before the
time of sending. In this time, the caller prepares its request."""
FLOOD_CHATS = 3
"""If Telegram has recently answered 429 for this number of chats, the bot pauses in all chats. Such
a chat cools down: it gets no messages for the time that Telegram names."""
MAX_WINDOWS = 1_000
"""There is one count of messages for each limit of each chat. If there are more counts than this
number, the limiter removes the counts without a message in the last minute."""


class Rule(NamedTuple):
    """One limit: at most `limit` messages in any window of `window_ms` milliseconds."""

    key: str
    limit: int
    window_ms: int


class Wait(NamedTuple):
    """How long a caller must wait before it can send a message, for each of two limits.

    Both times are 0 if the message can be sent now.
    """

    all_chats: float
    """The number of seconds until the limit of all chats permits the message."""
    chat: float
    """The number of seconds until the limit of this chat permits the message."""


NO_WAIT = Wait(0.0, 0.0)


def rules(chat_id: int, per_second: int, parts: int = 1, *, answer: bool = False) -> list[Rule]:
    """Return the limits for a message to a chat. The limit of all chats comes first.

    Only groups and channels (chats with negative ids) have a limit per minute. This limit must have
    room for all `parts` of the message. If `parts` is 0, the limit per minute does not apply. If
    `answer` is True, the limit of one message per second in the chat does not apply.
    """
    found = [Rule("all", per_second, 1_000)]
    if not answer:
        found.append(Rule(f"{chat_id}:second", 1, 1_000))
    if chat_id < 0 and parts:
        found.append(Rule(f"{chat_id}:minute", PER_MINUTE - parts + 1, 60_000))
    return found


class LocalLimiter:
    """Telegram's limits in the memory of this process, used while Redis is not available."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Start with no counted message. `per_second` is the common limit of all processes."""
        self._per_second = max(per_second // PROCESSES, 1)
        self._sent: dict[str, deque[float]] = {}
        self._cooling: dict[int, float] = {}
        self._drop_above = MAX_WINDOWS

    def reserve(self, chat_id: int, parts: int = 1, *, answer: bool = False) -> Wait:
        """Reserve a slot (the permission to send one message now) and return NO_WAIT.

        If no slot is free, nothing is reserved, and the result is the time to wait for a slot.
        """
        now = time.monotonic()
        all_chats, *others = (
            self._seconds_until_free(rule, now)
            for rule in rules(chat_id, self._per_second, parts, answer=answer)
        )
        wait = Wait(all_chats, max([self._cooling_left(chat_id, now), *others]))
        if wait == NO_WAIT:
            self.record(chat_id)
        return wait

    def record(self, chat_id: int) -> None:
        """Count a message that can be sent now.

        Callers also count the messages that Redis permits. If Redis fails later, this process knows
        these messages.
        """
        now = time.monotonic()
        for rule in rules(chat_id, self._per_second):
            self._sent.setdefault(rule.key, deque(maxlen=rule.limit)).append(now)
        self._drop_old(now)

    def cool_down(self, chat_id: int, seconds: float) -> None:
        """Stop this process from sending to a chat for some seconds."""
        until = time.monotonic() + seconds
        self._cooling[chat_id] = max(self._cooling.get(chat_id, 0), until)

    def _seconds_until_free(self, rule: Rule, now: float) -> float:
        sent = self._sent.get(rule.key)
        if sent is None or len(sent) < rule.limit:
            return 0.0
        return max(sent[-rule.limit] + rule.window_ms / 1000 - now, 0.0)

    def _cooling_left(self, chat_id: int, now: float) -> float:
        self._cooling = {chat: until for chat, until in self._cooling.items() if until > now}
        until = self._cooling.get(chat_id)
        if until is None and len(self._cooling) >= FLOOD_CHATS:
            until = min(self._cooling.values())
        return 0.0 if until is None else until - now

    def _drop_old(self, now: float) -> None:
        """Remove the counts that got no message in the last minute, if there are many counts."""
        if len(self._sent) > self._drop_above:
            self._sent = {key: sent for key, sent in self._sent.items() if sent[-1] > now - 60}
            self._drop_above = max(MAX_WINDOWS, 2 * len(self._sent))
