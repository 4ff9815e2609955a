"""Keep Telegram's limits across all processes, through Redis.

A slot is the permission to send one message. Without Redis, each process uses a fixed share of the
limits.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack, cast

from bot import metrics
from bot.redis_link import RedisAwayError, RedisLink
from bot.telegram import rate_limits
from bot.telegram.rate_limits import PER_SECOND, LocalLimiter

MAX_BATCH = 32
LONGEST_ROUND_TRIP_MS = 400
"""Slots are reserved earlier for the distance to Redis, by at most this time."""
CONFIRM_SECONDS = 0.02
"""How many seconds the limiter collects Telegram's answers before one request to Redis."""
PREFIX = "{limits}:"
"""The begin of all keys. A cluster keeps keys with the same word in braces on one server."""
SCRIPT = Path(__file__).with_name("rate_limiter.lua").read_text()
# The end is a time by the clock of Redis, because the clocks of processes may differ.
COOL_DOWN_SCRIPT = """
local clock = redis.call('TIME')
local until_ms = clock[1] * 1000 + clock[2] / 1000 + ARGV[2]
redis.call('ZADD', KEYS[1], 'GT', string.format('%.3f', until_ms), ARGV[1])
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1
"""
_COMMON_KEYS = [PREFIX + name for name in ("cooling", "all", "last_send", "notice_mark")]


class SendOptions(TypedDict, total=False):
    """The type of message that a caller sends. Without options, the message is not an ad."""

    ad: bool
    answered: bool
    """True if the caller calls `confirm` after Telegram has answered."""
    messages: int
    """How many messages the request sends: more than one for an album. The default is 1."""
    parts: int
    """How many messages must fit into the chat's limit per minute.

    0 means that this limit does not apply, for example to an edit.
    """
    answer: bool
    """True for an answer to a person. Such an answer ignores the chat's limit per second."""


class SendSlot(NamedTuple):
    """When a message can be sent, or how long the caller must wait."""

    wait: float
    """0 if the message can be sent; otherwise the seconds until the next try."""
    send_at: float
    """The earliest time of sending, of `time.monotonic()`."""


@dataclass(frozen=True)
class _Request:
    chat_id: int
    ad: bool
    answered: bool
    messages: int
    parts: int
    answer: bool
    give_up_at: float
    slot: asyncio.Future[SendSlot]


class RateLimiter:
    """Telegram's limits as one process keeps them."""

    def __init__(self, redis_url: str, *, per_second: int = PER_SECOND) -> None:
        """Prepare the limiter. `per_second` is Telegram's limit for all chats together."""
        self._link = RedisLink(redis_url)
        self._redis = self._link.client
        self._script = self._redis.register_script(SCRIPT)
        self._cool_down_script = self._redis.register_script(COOL_DOWN_SCRIPT)
        self._round_trip_ms = 0.0
        self._local = LocalLimiter(per_second)
        self._min_gap_ms = 1_000 / per_second * rate_limits.PACE
        self._rates: list[float] = [
            per_second,
            per_second - round(per_second * rate_limits.SHARE_FOR_ADS),
            self._min_gap_ms,
            rate_limits.LEAD_MS,
            rate_limits.PENDING_MS,
            rate_limits.FLOOD_CHATS,
            rate_limits.NOTICE_MARK_MS,
        ]
        self._requests: list[_Request] = []
        self._answers: list[tuple[int, float]] = []
        self._first_of_kind = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, chat_id: int, *, within: float, **options: Unpack[SendOptions]) -> float:
        """Wait up to `within` seconds for the permission to send a message.

        Returns 0 if the message can be sent now; otherwise the seconds until the next try. The
        options are those of `acquire`.
        """
        slot = await self.acquire(chat_id, within=within, **options)
        await asyncio.sleep(slot.send_at - time.monotonic())
        return slot.wait

    async def acquire(
        self, chat_id: int, *, within: float, **options: Unpack[SendOptions]
    ) -> SendSlot:
        """Wait up to `within` seconds for a slot, and return the slot.

        The caller sends the message at `send_at`, at most LEAD_MS later. If no slot is free in
        time, the result's `wait` is above 0. The share SHARE_FOR_ADS of the slots is reserved for
        ads.

        An album takes one slot, and counts as its number of `messages`: the limits of all chats and
        of the chat's minute must have room for them. Within the chat's second, it counts as one.

        For an ad or with the option `answered`, the caller must call `confirm` when Telegram's
        answer arrives. Each message needs its own call of this method.
        """
        began = time.monotonic()
        give_up_at = began + within
        ad = options.get("ad", False)
        answered = ad or options.get("answered", False)
        while True:
            request = _Request(
                chat_id,
                ad,
                answered,
                options.get("messages", 1),
                options.get("parts", 1),
                options.get("answer", False),
                give_up_at,
                asyncio.get_running_loop().create_future(),
            )
            if all(other.ad != ad for other in self._requests):
                self._first_of_kind.set()
            self._requests.append(request)
            self._start_serving()
            slot = await request.slot
            if slot.wait <= 0 or time.monotonic() + slot.wait > give_up_at:
                metrics.LIMITER_WAIT.observe(slot.send_at - began)
                return slot
            await asyncio.sleep(slot.wait)

    def confirm(self, chat_id: int) -> None:
        """Record that Telegram has just answered the last message to a chat."""
        self._answers.append((chat_id, time.monotonic()))
        self._start_serving()

    async def cool_down(self, chat_id: int, period: timedelta) -> None:
        """Stop every process from sending to a chat for the time `period`."""
        metrics.THROTTLED.inc()
        self._local.cool_down(chat_id, period.total_seconds())
        ms = period.total_seconds() * 1000
        keys, args = _COMMON_KEYS[:1], [chat_id, ms]
        with contextlib.suppress(RedisAwayError):
            await self._link.ask(lambda: self._cool_down_script(keys=keys, args=args))

    async def alive(self) -> bool:
        """Return whether Redis answers. For a moment after a failure, the result is False."""
        return await self._link.alive()

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._link.close()

    def _start_serving(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        """Serve the waiting callers, ads first, until no caller waits."""
        pause = 0.0
        try:
            while self._requests or self._answers:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause if self._requests else CONFIRM_SECONDS):
                        await self._first_of_kind.wait()
                self._first_of_kind.clear()
                pause = await self._serve_batch()
        except BaseException as error:
            # No caller may wait for ever.
            requests, self._requests = self._requests, []
            for request in requests:
                if not request.slot.done():
                    request.slot.set_exception(error)
            raise

    async def _serve_batch(self) -> float:
        """Serve one batch of callers. Return the seconds until the next batch."""
        self._drop_answered()
        batch = sorted(self._requests, key=lambda request: not request.ad)[:MAX_BATCH]
        answers, self._answers = self._answers, []
        results = await self._reserve_in_redis(batch, answers)
        if results is None:
            results = [self._reserve_locally(request) for request in batch]
        else:
            for request, (verdict, _) in zip(batch, results, strict=True):
                if verdict == 0:
                    self._local.record(request.chat_id, request.messages)
        now, pauses = time.monotonic(), []
        for request, (verdict, seconds) in zip(batch, results, strict=True):
            if request.slot.done():
                continue
            if verdict == 0:
                request.slot.set_result(SendSlot(0.0, now + seconds))
            elif verdict == 1 and now + seconds <= request.give_up_at:
                pauses.append(seconds)
            else:
                request.slot.set_result(SendSlot(seconds, now))
        self._drop_answered()
        return max(min(pauses, default=0.0) - rate_limits.LEAD_MS / 1000, 0.001)

    def _drop_answered(self) -> None:
        self._requests = [request for request in self._requests if not request.slot.done()]

    async def _reserve_in_redis(
        self, batch: Sequence[_Request], answers: Sequence[tuple[int, float]]
    ) -> list[tuple[int, float]] | None:
        """Reserve slots in Redis for a batch of requests, and record Telegram's `answers`.

        Returns two numbers for each request, or None if Redis is not available. (0, s) means a slot
        in s seconds. (1, s) means that all chats wait s seconds, and (2, s) that this chat waits.
        """
        # While one answer is under way, nobody gets a slot. So slots are reserved earlier.
        longest_lead = rate_limits.LEAD_MS + round(min(self._round_trip_ms, LONGEST_ROUND_TRIP_MS))
        rates = [*self._rates[:3], longest_lead, *self._rates[4:]]
        keys, args = [*_COMMON_KEYS], [*rates, len(answers)]
        chats = [chat_id for chat_id, _ in answers] + [request.chat_id for request in batch]
        for chat_id in chats:
            keys += [f"{PREFIX}{chat_id}:second", f"{PREFIX}{chat_id}:minute"]
        for chat_id, answered_at in answers:
            args += [chat_id, (time.monotonic() - answered_at) * 1000]
        for request in batch:
            # A slot must begin before the caller gives up, with one exception: every caller waits
            # at least for the shortest gap between two messages.
            patience = max((request.give_up_at - time.monotonic()) * 1000, self._min_gap_ms)
            lead = min(patience, longest_lead)
            minute_rank = rate_limits.minute_rank(request.parts)
            flags = [int(request.ad), int(request.answered)]
            args += [request.chat_id, *flags, lead, minute_rank, int(request.answer)]
            args += [request.messages]
        began = time.monotonic()
        try:
            result = await self._link.ask(lambda: self._script(keys=keys, args=args))
        except RedisAwayError:
            return None
        self._round_trip_ms = (time.monotonic() - began) * 1000
        numbers = cast("list[int]", result)
        return [
            (verdict, ms / 1000) for verdict, ms in zip(numbers[::2], numbers[1::2], strict=True)
        ]

    def _reserve_locally(self, request: _Request) -> tuple[int, float]:
        wait = self._local.reserve(
            request.chat_id, request.parts, answer=request.answer, messages=request.messages
        )
        if wait.chat > 0:
            return 2, max(wait)
        return (1, wait.all_chats) if wait.all_chats > 0 else (0, 0.0)
