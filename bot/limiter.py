"""Keeps Telegram's limits across all processes, through Redis.

A place is taken before a message leaves and counts from its answer: Telegram counts at some
moment between the two, so no window of its own ever holds more than ours. Ads go before
everything else, which leaves some places of each second to them, and all go at an even pace.

All who wait in one process ask in one go, and tell in it what was answered meanwhile. Without Redis
each process keeps the limits by itself, with a share of the common one, so that nothing stops when
Redis does. A chat that answered 429 rests everywhere for as long as Telegram said.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack, cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot import limits
from bot.limits import PER_SECOND, LocalShare

REDIS_SECONDS = 0.15
REDIS_PAUSE_SECONDS = 5.0
"""How long a Redis that failed is left alone."""
DAY_MS = 86_400_000
MOST_TOGETHER = 32
TELL_SECONDS = 0.02
"""Answers are told within this, together."""
PREFIX = "limits:"
SCRIPT = Path(__file__).with_name("rate_limiter.lua").read_text()
_COMMON = [PREFIX + name for name in ("rest", "all", "pace", "told")]

log = structlog.get_logger(__name__)


class Kind(TypedDict, total=False):
    """What wants a place; without a word, a message of which nobody tells when it was answered."""

    ad: bool
    answered: bool
    parts: int
    """How many messages are still to come, with this one."""


class Place(NamedTuple):
    """A place in the limits, or none."""

    wait: float
    """0 with a place, else how many seconds are missing."""
    leaves: float
    """When the message may leave, by `time.monotonic()`."""


@dataclass(frozen=True)
class _Asked:
    """Somebody who waits for a place."""

    chat_id: int
    ad: bool
    answered: bool
    parts: int
    give_up: float
    place: asyncio.Future[Place]


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
        self._take = self._redis.register_script(SCRIPT)
        self._redis_after = 0.0
        self._local = LocalShare(per_second)
        self._gap_ms = 1_000 / per_second * limits.PACE
        self._rates: list[float] = [
            per_second,
            per_second - round(per_second * limits.LEFT_FOR_ADS),
            self._gap_ms,
            limits.LEAD_MS,
            limits.UNDER_WAY_MS,
            limits.FLOODED_CHATS,
            limits.TOLD_EVERY_MS,
        ]
        self._waiting: list[_Asked] = []
        self._answers: list[tuple[int, float]] = []
        self._stirred = asyncio.Event()
        self._server: asyncio.Task[None] | None = None

    async def turn(self, chat_id: int, *, within: float, **kind: Unpack[Kind]) -> float:
        """Waits up to `within` seconds for a place; 0 when its time has come, else what is missing.

        The arguments are those of `place`.
        """
        place = await self.place(chat_id, within=within, **kind)
        await asyncio.sleep(place.leaves - time.monotonic())
        return place.wait

    async def place(self, chat_id: int, *, within: float, **kind: Unpack[Kind]) -> Place:
        """Waits up to `within` seconds for a place, which may be given a moment ahead.

        An ad may take every place of a second, anything else leaves LEFT_FOR_ADS. Of an ad, and of
        what is `answered`, the place is held until `tell` is called or UNDER_WAY_MS are over. What
        goes in `parts` asks for each, and the first waits for a minute with room for all.
        """
        give_up = time.monotonic() + within
        ad = kind.get("ad", False)
        answered = ad or kind.get("answered", False)
        while True:
            asked = _Asked(
                chat_id,
                ad,
                answered,
                kind.get("parts", 1),
                give_up,
                asyncio.get_running_loop().create_future(),
            )
            if all(other.ad != ad for other in self._waiting):
                self._stirred.set()
            self._waiting.append(asked)
            self._serve()
            place = await asked.place
            if place.wait <= 0 or time.monotonic() + place.wait > give_up:
                return place
            await asyncio.sleep(place.wait)

    def tell(self, chat_id: int) -> None:
        """Lets the place taken last for a chat count from now, when Telegram's answer is there."""
        self._answers.append((chat_id, time.monotonic()))
        self._serve()

    async def rest(self, chat_id: int, period: timedelta) -> None:
        """Keeps every process from a chat for a while, as Telegram's `retry_after` asks."""
        self._local.rest(chat_id, period.total_seconds())
        await self._in_redis(lambda: self._rest_in_redis(chat_id, period))

    async def close(self) -> None:
        """Closes the connections to Redis."""
        if self._server is not None:
            self._server.cancel()
            await asyncio.gather(self._server, return_exceptions=True)
        await self._redis.aclose()

    def _serve(self) -> None:
        if self._server is None or self._server.done():
            self._server = asyncio.create_task(self._serve_all())

    async def _serve_all(self) -> None:
        """Asks for whoever waits, ads first, for as long as anybody does."""
        pause = 0.0
        try:
            while self._waiting or self._answers:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause if self._waiting else TELL_SECONDS):
                        await self._stirred.wait()
                self._stirred.clear()
                pause = await self._ask()
        except BaseException as error:
            # Nobody may wait for ever.
            waiting, self._waiting = self._waiting, []
            for asked in waiting:
                if not asked.place.done():
                    asked.place.set_exception(error)
            raise

    async def _ask(self) -> float:
        """Asks once for all who wait; in how many seconds to ask again for the others."""
        self._forget_done()
        batch = sorted(self._waiting, key=lambda asked: not asked.ad)[:MOST_TOGETHER]
        answers, self._answers = self._answers, []
        found = await self._ask_redis(batch, answers)
        if found is None:
            found = [self._ask_memory(asked) for asked in batch]
        else:
            for asked, (verdict, _) in zip(batch, found, strict=True):
                if verdict == 0:
                    self._local.note(asked.chat_id)
        now, pauses = time.monotonic(), []
        for asked, (verdict, wait) in zip(batch, found, strict=True):
            if asked.place.done():
                continue
            if verdict == 0:
                asked.place.set_result(Place(0.0, now + wait))
            elif verdict == 1 and now + wait <= asked.give_up:
                pauses.append(wait)
            else:
                asked.place.set_result(Place(wait, now))
        self._forget_done()
        return max(min(pauses, default=0.0) - limits.LEAD_MS / 1000, 0.001)

    def _forget_done(self) -> None:
        self._waiting = [asked for asked in self._waiting if not asked.place.done()]

    async def _ask_redis(
        self, batch: Sequence[_Asked], answers: Sequence[tuple[int, float]]
    ) -> list[tuple[int, float]] | None:
        """A verdict and seconds for each, as the script tells them."""
        keys, args = [*_COMMON], [*self._rates, len(answers)]
        chats = [chat_id for chat_id, _ in answers] + [asked.chat_id for asked in batch]
        for chat_id in chats:
            keys += [f"{PREFIX}{chat_id}:second", f"{PREFIX}{chat_id}:minute"]
        for chat_id, at in answers:
            args += [chat_id, (time.monotonic() - at) * 1000]
        for asked in batch:
            # No further ahead than it would wait, but for the pause after the message before.
            patience = max((asked.give_up - time.monotonic()) * 1000, self._gap_ms)
            lead = min(patience, limits.LEAD_MS)
            free = limits.PER_MINUTE - asked.parts + 1
            args += [asked.chat_id, int(asked.ad), int(asked.answered), lead, free]
        told = await self._in_redis(lambda: self._take(keys=keys, args=args))
        if told is None:
            return None
        numbers = cast("list[int]", told)
        return [
            (verdict, ms / 1000) for verdict, ms in zip(numbers[::2], numbers[1::2], strict=True)
        ]

    def _ask_memory(self, asked: _Asked) -> tuple[int, float]:
        wait = self._local.take(asked.chat_id, asked.parts)
        if wait.own > 0:
            return 2, max(wait)
        return (1, wait.crowd) if wait.crowd > 0 else (0, 0.0)

    async def _rest_in_redis(self, chat_id: int, period: timedelta) -> None:
        # By the clock of Redis, as in the script.
        seconds, microseconds = await self._redis.time()
        until = (seconds + period.total_seconds()) * 1000 + microseconds / 1000
        await self._redis.zadd(_COMMON[0], {str(chat_id): until}, gt=True)
        await self._redis.pexpire(_COMMON[0], DAY_MS)

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
