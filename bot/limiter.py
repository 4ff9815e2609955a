"""Keeps Telegram's limits across all processes, through Redis.

A place is taken before a message leaves and counts from its answer: Telegram counts at some
moment between the two, so no window of its own ever holds more than ours. Ads go before
everything else, which leaves some places of each second to them.

Without Redis each process keeps them by itself, with a share of the common limit, so that nothing
stops when Redis does. A chat that answered 429 rests everywhere for as long as Telegram said.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

REDIS_SECONDS = 0.15
REDIS_PAUSE_SECONDS = 5.0
"""How long a Redis that failed is left alone."""
PER_SECOND = 30
"""What Telegram allows a bot in all, unless more was agreed on."""
LEFT_FOR_ADS = 0.2
"""The part of each second's places that only ads may take."""
SHARE = 3
"""Without Redis a process takes one part in so many of the common limit: bot, clock, one more."""
UNDER_WAY_MS = 2_000
"""An ad's place counts as taken for so long while its answer is awaited."""
FLOODED_CHATS = 3
"""When so many chats rest at once, the flood is the bot's and every chat rests."""
REMEMBERED = 1_000
"""Above so many windows, those of more than a minute ago are dropped from memory."""
PREFIX = "limits:"

log = structlog.get_logger(__name__)


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


def rules(chat_id: int, most: int) -> list[Rule]:
    """The limits that one message to a chat falls under, the one of all chats first.

    Groups and channels have negative ids.
    """
    found = [Rule("all", most, 1_000), Rule(f"{chat_id}:second", 1, 1_000)]
    if chat_id < 0:
        found.append(Rule(f"{chat_id}:minute", 20, 60_000))
    return found


# Takes a place in every window, or in none and says how many milliseconds are to be waited: for
# the crowd (the first window), for the chat. A place is known by its chat, which has one a second.
# The clock is Redis's own: the processes' clocks may differ.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local crowd, own = 0, 0
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local rest = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not rest and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    rest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
end
if rest then own = rest - now end
for i = 2, #KEYS do
    local most, window = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
    if redis.call('ZCARD', KEYS[i]) >= most then
        local first = redis.call('ZRANGE', KEYS[i], -most, -most, 'WITHSCORES')[2]
        local wait = math.min(first, now) + window - now
        if i == 2 then crowd = wait else own = math.max(own, wait) end
    end
end
if crowd <= 0 and own <= 0 then
    for i = 2, #KEYS do
        if i < 4 then redis.call('ZADD', KEYS[i], now + ARGV[4], ARGV[1])
        else redis.call('ZADD', KEYS[i], now, ARGV[3]) end
        redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 2] + ARGV[4])
    end
end
return {math.ceil(crowd), math.ceil(own)}
"""
_ANSWERED = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 1, #KEYS do
    redis.call('ZADD', KEYS[i], 'XX', now, ARGV[1])
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

    def __init__(self, redis_url: str, *, per_second: int = PER_SECOND) -> None:
        """Connects on first use. `per_second` is what Telegram allows the bot in all."""
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = self._redis.register_script(_TAKE)
        self._rest = self._redis.register_script(_REST)
        self._answered = self._redis.register_script(_ANSWERED)
        self._redis_after = 0.0
        self._per_second = per_second
        self._local = LocalShare(per_second)
        self._lines = {ad: asyncio.Lock() for ad in (True, False)}
        self._taken = 0
        self._name = f"{id(self):x}:{time.time_ns():x}"

    async def turn(self, chat_id: int, *, within: float, ad: bool = False) -> float:
        """Waits up to `within` seconds for a place; 0 when it was given, else what is missing.

        An ad may take every place of a second, anything else leaves LEFT_FOR_ADS.
        """
        give_up = time.monotonic() + within
        while True:
            # One at a time asks for all of this process: places come in the order of asking, and
            # a place that gets free is not fought for.
            async with self._lines[ad]:
                wait = await self._with_the_crowd(chat_id, give_up, ad=ad)
            if wait <= 0 or time.monotonic() + wait > give_up:
                return wait
            await asyncio.sleep(wait)

    async def answered(self, chat_id: int) -> None:
        """Lets the place taken last for a chat count from now, when Telegram's answer is there.

        An ad's place of which nothing is told is held for UNDER_WAY_MS more than the others.
        """
        keys = [PREFIX + rule.key for rule in rules(chat_id, 0)[:2]]
        await self._in_redis(lambda: self._answered(keys=keys, args=[chat_id]))

    async def rest(self, chat_id: int, period: timedelta) -> None:
        """Keeps every process from a chat for a while, as Telegram's `retry_after` asks."""
        self._local.rest(chat_id, period.total_seconds())
        keys, milliseconds = [f"{PREFIX}rest"], int(period.total_seconds() * 1000)
        await self._in_redis(lambda: self._rest(keys=keys, args=[chat_id, milliseconds]))

    async def close(self) -> None:
        """Closes the connections to Redis."""
        await self._redis.aclose()

    async def _with_the_crowd(self, chat_id: int, give_up: float, *, ad: bool) -> float:
        """Waits while all chats together are what is in the way; 0 with a place."""
        while True:
            wait = await self._ask(chat_id, ad=ad)
            if wait.own > 0 or wait.crowd <= 0:
                return max(wait.own, wait.crowd)
            if time.monotonic() + wait.crowd > give_up:
                return wait.crowd
            await asyncio.sleep(wait.crowd)

    async def _ask(self, chat_id: int, *, ad: bool) -> Wait:
        self._taken += 1
        keys = [f"{PREFIX}rest"]
        name = f"{self._name}:{self._taken}"
        args: list[int | str] = [chat_id, FLOODED_CHATS, name, UNDER_WAY_MS if ad else 0]
        left = 0 if ad else round(self._per_second * LEFT_FOR_ADS)
        for rule in rules(chat_id, self._per_second - left):
            keys.append(PREFIX + rule.key)
            args += [rule.most, rule.window_ms]
        answer = await self._in_redis(lambda: self._take(keys=keys, args=args))
        if answer is None:
            return self._local.take(chat_id)
        crowd, own = cast("list[int]", answer)
        return Wait(crowd / 1000, own / 1000)

    async def _in_redis(self, ask: Callable[[], Awaitable[object]]) -> object | None:
        """What a script answered, or None while Redis is away."""
        if time.monotonic() < self._redis_after:
            return None
        # Twice, as the first may have found a dead connection, or this process standing still.
        for _ in range(2):
            try:
                # Time-outs of single reads do not bound a connection that trickles.
                async with asyncio.timeout(2 * REDIS_SECONDS):
                    return await ask()
            except (RedisError, OSError, TimeoutError) as error:
                failure = type(error).__name__
        self._redis_after = time.monotonic() + REDIS_PAUSE_SECONDS
        log.warning("Redis is away: each process keeps Telegram's limits alone", cause=failure)
        return None


class LocalShare:
    """The same limits in this process's memory, for while Redis is away."""

    def __init__(self, per_second: int = PER_SECOND) -> None:
        """Starts with nothing sent."""
        self._most = max(per_second // SHARE, 1)
        self._sent: dict[str, deque[float]] = {}
        self._resting: dict[int, float] = {}

    def take(self, chat_id: int) -> Wait:
        """Takes a place in every window, or none and says what is to be waited."""
        now = time.monotonic()
        found = rules(chat_id, self._most)
        crowd, *others = (self._full_for(rule, now) for rule in found)
        wait = Wait(crowd, max(self._rest_left(chat_id, now), *others))
        if wait == TAKEN:
            for rule in found:
                self._sent[rule.key].append(now)
        self._forget(now)
        return wait

    def _full_for(self, rule: Rule, now: float) -> float:
        sent = self._sent.setdefault(rule.key, deque(maxlen=rule.most))
        return max(sent[0] + rule.window_ms / 1000 - now, 0.0) if len(sent) == rule.most else 0.0

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
