"""Define Telegram's limits, and keep them in the memory of one process."""

import time
from collections import deque
from typing import NamedTuple

PER_SECOND = 30
"""How many messages per second Telegram allows a bot in all chats together by default."""
PER_MINUTE = 20
"""How many messages per minute Telegram allows a bot in one group or channel."""
KEPT_FOR_ALARMS = 5
"""How many messages per minute in a group are reserved for alarms and later parts of messages."""
KEPT_FOR_SEARCHES = 3
"""How many messages per minute in a group are reserved for the search for uncertain posts."""
KEPT_FROM_ANSWERS = 2
"""How many messages per minute in a group are kept from answers to the staff."""
SHARE_FOR_ADS = 0.2
"""The fraction of the messages of each second that is reserved for ads."""
NOTICE_MARK_MS = 2_000
"""Once in this interval, a message that is no ad can use a slot of the ads. In milliseconds."""
PROCESSES = 3
"""The number of processes that share the common limit without Redis."""
PENDING_MS = 2_000
"""The assumed time until Telegram's answer to a message, in milliseconds."""
PACE = 0.75
"""The smallest gap between two messages, as a fraction of the even gap.

The even gap is one second divided by the limit.
"""
LEAD_MS = 400
"""The longest time between the permission and the sending, in milliseconds."""
FLOOD_CHATS = 3
"""After recent answers with status 429 in this number of chats, the bot pauses in all chats."""
MAX_WINDOWS = 1_000
"""Above this number of message counts, old counts are removed."""


class Rule(NamedTuple):
    """At most `limit` messages in any window of `window_ms` milliseconds."""

    key: str
    limit: int
    window_ms: int


class Wait(NamedTuple):
    """How long a caller must wait before it can send a message, in seconds."""

    all_chats: float
    """The wait for the limit of all chats."""
    chat: float
    """The wait for the limit of this chat."""


NO_WAIT = Wait(0.0, 0.0)


def minute_rank(parts: int) -> int:
    """Return how many messages of the last minute forbid a slot with room for `parts` messages.

    0 means that the limit per minute does not apply.
    """
    return max(PER_MINUTE - parts + 1, 1) if parts else 0


def rules(
    chat_id: int, per_second: int, parts: int = 1, *, answer: bool = False, messages: int = 1
) -> list[Rule]:
    """Return the limits for a slot of `messages` messages to a chat, the limit of all chats first.

    The limit per minute applies to groups and channels, unless `parts` is 0. If `answer` is True,
    the chat's limit per second does not apply.
    """
    # An album may be larger than the limit of all chats.
    found = [Rule("all", max(per_second - messages + 1, 1), 1_000)]
    if not answer:
        found.append(Rule(f"{chat_id}:second", 1, 1_000))
    if chat_id < 0 and parts:
        found.append(Rule(f"{chat_id}:minute", minute_rank(parts), 60_000))
    return found


class LocalLimiter:
    """Telegram's limits in the memory of this process, used while Redis is not available."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Start with no counted message. `per_second` is the common limit of all processes."""
        self._per_second = max(per_second // PROCESSES, 1)
        self._sent: dict[str, deque[float]] = {}
        self._cooling: dict[int, float] = {}
        self._drop_above = MAX_WINDOWS

    def reserve(
        self, chat_id: int, parts: int = 1, *, answer: bool = False, messages: int = 1
    ) -> Wait:
        """Reserve a slot (the permission to send now) and return NO_WAIT.

        The slot counts as `messages` messages, which is more than 1 for an album. If no slot is
        free, nothing is reserved, and the result is the time to wait.
        """
        now = time.monotonic()
        all_chats, *others = (
            self._seconds_until_free(rule, now)
            for rule in rules(chat_id, self._per_second, parts, answer=answer, messages=messages)
        )
        wait = Wait(all_chats, max([self._cooling_left(chat_id, now), *others]))
        if wait == NO_WAIT:
            self.record(chat_id, messages)
        return wait

    def record(self, chat_id: int, messages: int = 1) -> None:
        """Count the messages that this process or Redis has permitted with one slot."""
        now = time.monotonic()
        for rule in rules(chat_id, self._per_second):
            sent = self._sent.setdefault(rule.key, deque(maxlen=rule.limit))
            sent.extend([now] * messages)
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
        if len(self._sent) > self._drop_above:
            self._sent = {key: sent for key, sent in self._sent.items() if sent[-1] > now - 60}
            self._drop_above = max(MAX_WINDOWS, 2 * len(self._sent))
