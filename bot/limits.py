"""What Telegram allows a bot to send: the rules, and how a process keeps them in its memory."""

import time
from collections import deque
from typing import NamedTuple

PER_SECOND = 30
"""What Telegram allows a bot in all, unless more was agreed on."""
PER_MINUTE = 20
"""What Telegram allows a bot in one group or channel."""
LEFT_FOR_ADS = 0.2
"""The part of each second's places that only ads may take."""
TOLD_EVERY_MS = 2_000
"""So often something else than an ad goes like an ad: an alarm is not kept for ever."""
SHARE = 3
"""Without Redis a process takes one part in so many of the common limit: bot, clock, one more."""
UNDER_WAY_MS = 2_000
"""A place counts as taken for so long while the answer that its sender will tell is awaited."""
PACE = 0.75
"""The least pause between two messages, as a part of an even one: no bursts, and yet what was
missed for a moment is made up for."""
LEAD_MS = 400
"""So long before its time a place is given, for what is done before the message leaves."""
FLOODED_CHATS = 3
"""When so many chats rest at once, the flood is the bot's and every chat rests."""
REMEMBERED = 1_000
"""Above so many windows, those of more than a minute ago are dropped from memory."""


class Rule(NamedTuple):
    """At most so many messages in any window of so many milliseconds."""

    key: str
    most: int
    window_ms: int


class Wait(NamedTuple):
    """Seconds to be waited, 0 where a place was given."""

    crowd: float
    """Until all chats together let one more through."""
    own: float
    """Until this chat may be written to again."""


TAKEN = Wait(0.0, 0.0)


def rules(chat_id: int, most: int, parts: int = 1) -> list[Rule]:
    """The limits that one message to a chat falls under, the one of all chats first.

    Of a minute's places so many have to be free that all `parts` of what is sent fit in.

    Groups and channels have negative ids.
    """
    found = [Rule("all", most, 1_000), Rule(f"{chat_id}:second", 1, 1_000)]
    if chat_id < 0:
        found.append(Rule(f"{chat_id}:minute", PER_MINUTE - parts + 1, 60_000))
    return found


class LocalShare:
    """The same limits in this process's memory, for while Redis is away."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Starts with nothing sent."""
        self._most = max(per_second // SHARE, 1)
        self._sent: dict[str, deque[float]] = {}
        self._resting: dict[int, float] = {}
        self._forget_above = REMEMBERED

    def take(self, chat_id: int, parts: int = 1) -> Wait:
        """Takes a place in every window, or none and says what is to be waited."""
        now = time.monotonic()
        crowd, *others = (self._full_for(rule, now) for rule in rules(chat_id, self._most, parts))
        wait = Wait(crowd, max(self._rest_left(chat_id, now), *others))
        if wait == TAKEN:
            self.note(chat_id)
        return wait

    def note(self, chat_id: int) -> None:
        """Counts a place, also one that Redis gave: it may be away for the next."""
        now = time.monotonic()
        for rule in rules(chat_id, self._most):
            self._sent.setdefault(rule.key, deque(maxlen=rule.most)).append(now)
        self._forget(now)

    def _full_for(self, rule: Rule, now: float) -> float:
        sent = self._sent.get(rule.key)
        if sent is None or len(sent) < rule.most:
            return 0.0
        return max(sent[-rule.most] + rule.window_ms / 1000 - now, 0.0)

    def rest(self, chat_id: int, seconds: float) -> None:
        """Keeps this process from a chat for a while."""
        self._resting[chat_id] = max(self._resting.get(chat_id, 0), time.monotonic() + seconds)

    def _rest_left(self, chat_id: int, now: float) -> float:
        self._resting = {chat: until for chat, until in self._resting.items() if until > now}
        until = self._resting.get(chat_id)
        if until is None and len(self._resting) >= FLOODED_CHATS:
            until = min(self._resting.values())
        return 0.0 if until is None else until - now

    def _forget(self, now: float) -> None:
        """Drops the chats of a minute ago, as a process lives for months; now and then."""
        if len(self._sent) > self._forget_above:
            self._sent = {key: sent for key, sent in self._sent.items() if sent[-1] > now - 60}
            self._forget_above = max(REMEMBERED, 2 * len(self._sent))
