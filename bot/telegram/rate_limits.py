"""Define Telegram's limits as rules, and keep the limits in the memory of one process.

A slot is the permission to send one message.
"""

import time
from collections import deque
from typing import NamedTuple

PER_SECOND = 30
"""The messages per second that Telegram allows a bot in all chats, without a higher grant."""
PER_MINUTE = 20
"""The messages per minute that Telegram allows a bot in one group or channel."""
SHARE_FOR_ADS = 0.2
"""The part of each second's slots that only ads may use."""
NOTICE_MARK_MS = 2_000
"""The interval in which one notice may use a slot of the ads, so that no notice waits for ever."""
PROCESSES = 3
"""The divisor of the common limit without Redis: the bot, the scheduler and one more process."""
PENDING_MS = 2_000
"""The longest time for which a slot counts as used while Telegram has not answered."""
PACE = 0.75
"""The smallest gap between two messages, as a part of the even gap. This smallest gap prevents many
messages at one moment, and still lets the bot use slots later that it has missed."""
LEAD_MS = 400
"""The time by which a slot is given early, for the work that comes before the first byte."""
FLOOD_CHATS = 3
"""The number of chats that got a 429 at the same time, from which the bot pauses for all chats."""
MAX_WINDOWS = 1_000
"""The number of windows above which the limiter removes windows without a message for a minute."""


class Rule(NamedTuple):
    """Hold one limit: at most `limit` messages in any window of `window_ms` milliseconds."""

    key: str
    limit: int
    window_ms: int


class Wait(NamedTuple):
    """Hold the seconds that a caller must wait. Both are 0 if a slot was reserved."""

    all_chats: float
    """The seconds until the limit of all chats has a free slot."""
    chat: float
    """The seconds until the limit of this chat has a free slot."""


NO_WAIT = Wait(0.0, 0.0)


def rules(chat_id: int, per_second: int, parts: int = 1) -> list[Rule]:
    """Return the limits for a message to a chat. The limit of all chats comes first.

    The limit of one minute must have free slots for all `parts` of the message. Groups and channels
    have negative ids.
    """
    found = [Rule("all", per_second, 1_000), Rule(f"{chat_id}:second", 1, 1_000)]
    if chat_id < 0:
        found.append(Rule(f"{chat_id}:minute", PER_MINUTE - parts + 1, 60_000))
    return found


class LocalLimiter:
    """Keep the limits in the memory of this process while Redis is not available."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Start with no counted message. `per_second` is the common limit of all processes."""
        self._per_second = max(per_second // PROCESSES, 1)
        self._sent: dict[str, deque[float]] = {}
        self._cooling: dict[int, float] = {}
        self._drop_above = MAX_WINDOWS

    def reserve(self, chat_id: int, parts: int = 1) -> Wait:
        """Reserve a slot in every window, or return how long to wait for a slot."""
        now = time.monotonic()
        all_chats, *others = (
            self._seconds_until_free(rule, now) for rule in rules(chat_id, self._per_second, parts)
        )
        wait = Wait(all_chats, max(self._cooling_left(chat_id, now), *others))
        if wait == NO_WAIT:
            self.record(chat_id)
        return wait

    def record(self, chat_id: int) -> None:
        """Count a message. A message with a slot from Redis counts too, because Redis may fail."""
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
        """Remove windows without a message for a minute, because a process can run for months."""
        if len(self._sent) > self._drop_above:
            self._sent = {key: sent for key, sent in self._sent.items() if sent[-1] > now - 60}
            self._drop_above = max(MAX_WINDOWS, 2 * len(self._sent))
