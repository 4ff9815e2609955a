"""Keeps Telegram's limits across all processes, through Redis.

Without Redis each process keeps them by itself, with a share of the common limit, so that nothing
stops when Redis does. A chat that answered 429 rests everywhere for as long as Telegram said.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

REDIS_SECONDS = 0.15
REDIS_PAUSE_SECONDS = 5.0
"""How long a Redis that failed is left alone."""
SHARE = 3
"""Without Redis a process takes one part in so many of the common limit: bot, clock, one more."""
FLOODED_CHATS = 3
"""When so many chats rest at once, the flood is the bot's and every chat rests."""
REMEMBERED = 1_000
"""Above so many windows, those of more than a minute ago are dropped from memory."""
PREFIX = "limits:"


class Rule(NamedTuple):
    """At most so many messages in any window of so many milliseconds."""

    key: str
    most: int
    window_ms: int


def rules(chat_id: int, *, share: int = 1) -> list[Rule]:
    """The limits that one message to a chat falls under. Groups and channels have negative ids."""
    found = [Rule("all", 30 // share, 1_000), Rule(f"{chat_id}:second", 1, 1_000)]
    if chat_id < 0:
        found.append(Rule(f"{chat_id}:minute", 20, 60_000))
    return found


# Takes a place in every window, or in none and says how many milliseconds are to be waited.
# The clock is Redis's own: the processes' clocks may differ.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait = 0
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local rest = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not rest and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    rest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
end
if rest then wait = rest - now end
for i = 2, #KEYS do
    local most, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
    if redis.call('ZCARD', KEYS[i]) >= most then
        local first = redis.call('ZRANGE', KEYS[i], -most, -most, 'WITHSCORES')[2]
        wait = math.max(wait, first + window - now)
    end
end
if wait > 0 then return math.ceil(wait) end
for i = 2, #KEYS do
    redis.call('ZADD', KEYS[i], now, ARGV[3])
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
end
return 0
"""
_REST = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000)
return 0
"""


class Limiter:
    """Who may send now. One for each process."""

    def __init__(self, redis_url: str) -> None:
        """Connects on first use."""
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = self._redis.register_script(_TAKE)
        self._rest = self._redis.register_script(_REST)
        self._redis_after = 0.0
        self._local = LocalShare()
        self._taken = 0
        self._name = f"{id(self):x}:{time.time_ns():x}"

    async def turn(self, chat_id: int, *, within: float) -> float:
        """Waits up to `within` seconds for a place; 0 when it was given, else what is missing."""
        give_up = time.monotonic() + within
        while (wait := await self._ask(chat_id)) > 0:
            if time.monotonic() + wait > give_up:
                return wait
            await asyncio.sleep(wait)
        return 0.0

    async def rest(self, chat_id: int, period: timedelta) -> None:
        """Keeps every process from a chat for a while, as Telegram's `retry_after` asks."""
        self._local.rest(chat_id, period.total_seconds())
        keys, milliseconds = [f"{PREFIX}rest"], int(period.total_seconds() * 1000)
        await self._in_redis(lambda: self._rest(keys=keys, args=[chat_id, milliseconds]))

    async def close(self) -> None:
        """Closes the connections to Redis."""
        await self._redis.aclose()

    async def _ask(self, chat_id: int) -> float:
        self._taken += 1
        keys = [f"{PREFIX}rest"]
        args: list[int | str] = [chat_id, FLOODED_CHATS, f"{self._name}:{self._taken}"]
        for rule in rules(chat_id):
            keys.append(PREFIX + rule.key)
            args += [rule.most, rule.window_ms]
        answer = await self._in_redis(lambda: self._take(keys=keys, args=args))
        return self._local.take(chat_id) if answer is None else answer / 1000

    async def _in_redis(self, ask: Callable[[], Awaitable[object]]) -> int | None:
        """What a script answered, or None while Redis is away."""
        if time.monotonic() < self._redis_after:
            return None
        try:
            # Time-outs of single reads do not bound a connection that trickles.
            async with asyncio.timeout(2 * REDIS_SECONDS):
                return cast("int", await ask())
        except (RedisError, OSError, TimeoutError):
            self._redis_after = time.monotonic() + REDIS_PAUSE_SECONDS
            return None


class LocalShare:
    """The same limits in this process's memory, for while Redis is away."""

    def __init__(self) -> None:
        """Starts with nothing sent."""
        self._sent: dict[str, deque[float]] = {}
        self._resting: dict[int, float] = {}

    def take(self, chat_id: int) -> float:
        """Takes a place and returns 0, or takes none and returns the seconds to be waited."""
        now = time.monotonic()
        wait = self._rest_left(chat_id, now)
        found = rules(chat_id, share=SHARE)
        for rule in found:
            sent = self._sent.setdefault(rule.key, deque(maxlen=rule.most))
            if len(sent) == rule.most:
                wait = max(wait, sent[0] + rule.window_ms / 1000 - now)
        if wait <= 0:
            for rule in found:
                self._sent[rule.key].append(now)
        self._forget(now)
        return max(wait, 0.0)

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
        """Drops the chats of a minute ago, as a process lives for months."""
        if len(self._sent) > REMEMBERED:
            self._sent = {
                key: sent for key, sent in self._sent.items() if sent and sent[-1] > now - 60
            }
