"""Test that several processes together keep Telegram's limits."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import redis_link
from bot.telegram.rate_limiter import RateLimiter, SendSlot
from bot.telegram.rate_limits import FLOOD_CHATS, PACE, PROCESSES
from sandbox import embedded
from sandbox.telegram.limits import Limits

pytestmark = pytest.mark.keeps_limits

CHANNEL = -1001234567890
NOBODY = "redis://127.0.0.1:1/0"
_chats = itertools.count(CHANNEL, -1)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Valkey server, and yield its URL."""
    server = asyncio.run(embedded.start_valkey(Path(tmp_path_factory.mktemp("valkey"))))
    yield server.url
    asyncio.run(server.stop())


@pytest.fixture
async def limiters(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RateLimiter, RateLimiter]]:
    """Yield the rate limiters of two processes that have sent nothing."""
    monkeypatch.setattr(redis_link, "CALL_SECONDS", 5)
    pair = RateLimiter(redis_url), RateLimiter(redis_url)
    await pair[0]._redis.flushall()
    yield pair
    for limiter in pair:
        await limiter.close()


async def test_two_processes_share_one_send_a_second_in_a_chat(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    assert await first.wait(CHANNEL, within=0) == 0
    assert 0 < await second.wait(CHANNEL, within=0) <= 1


async def test_a_send_waits_for_its_slot(limiters: tuple[RateLimiter, RateLimiter]) -> None:
    first, second = limiters
    await first.wait(CHANNEL, within=0)
    begun = time.monotonic()
    assert await second.wait(CHANNEL, within=2) == 0
    assert time.monotonic() - begun >= 0.9


async def request_slots(
    *limiters: RateLimiter, asking: int, within: float, ad: bool
) -> list[SendSlot]:
    """Request `asking` slots at the same time, from each limiter in turn."""
    processes = itertools.cycle(limiters)
    return await asyncio.gather(
        *(next(processes).acquire(next(_chats), within=within, ad=ad) for _ in range(asking))
    )


def count_given(found: list[SendSlot]) -> int:
    """Count the requests that got a slot."""
    return sum(slot.wait == 0 for slot in found)


async def test_two_processes_share_thirty_sends_a_second(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    found = await request_slots(*limiters, asking=60, within=0.9, ad=True)
    asked_until = time.monotonic()
    assert count_given(found) == 30
    assert all(slot.send_at - asked_until <= 0.9 for slot in found if slot.wait == 0)


async def test_notices_leave_slots_for_ads(limiters: tuple[RateLimiter, RateLimiter]) -> None:
    limiter, _ = limiters
    assert count_given(await request_slots(limiter, asking=30, within=0.7, ad=False)) == 24
    assert count_given(await request_slots(limiter, asking=6, within=0.7, ad=True)) == 6
    assert await limiter.wait(next(_chats), within=0, ad=True) > 0


async def test_a_slot_counts_from_the_answer(limiters: tuple[RateLimiter, RateLimiter]) -> None:
    """Check that a chat's next slot begins one second after Telegram's answer."""
    first, second = limiters
    await first.wait(CHANNEL, within=0)
    await asyncio.sleep(0.6)
    first.confirm(CHANNEL)
    await asyncio.sleep(0.05)
    assert 0.9 < await second.wait(CHANNEL, within=0) <= 1


async def test_an_ad_under_way_keeps_its_slot(limiters: tuple[RateLimiter, RateLimiter]) -> None:
    """Check that a slot counts as used until Telegram has answered the send."""
    first, second = limiters
    await request_slots(first, asking=30, within=1, ad=True)
    await asyncio.sleep(1.1)
    assert 0.9 < await second.wait(next(_chats), within=0, ad=True) <= 1


async def test_a_slot_of_the_minute_limit_counts_from_the_answer_too(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    past = {f"past:{age}": now - 2_000 - age * 1_000 for age in range(19)}
    await limiter._redis.zadd(f"{{limits}}:{CHANNEL}:minute", mapping=past)
    assert await limiter.wait(CHANNEL, within=0, ad=True) == 0
    await asyncio.sleep(0.5)
    limiter.confirm(CHANNEL)
    await asyncio.sleep(0.05)
    [(_, counts)] = await limiter._redis.zrange(
        f"{{limits}}:{CHANNEL}:minute", -1, -1, withscores=True
    )
    assert now + 450 < counts < time.time() * 1000 + 1


async def test_slots_are_evenly_spaced_and_given_in_advance(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    begun = time.monotonic()
    found = await request_slots(*limiters, asking=12, within=0.5, ad=True)
    assert count_given(found) == 12
    leaves = sorted(slot.send_at - begun for slot in found)
    pauses = [later - earlier for earlier, later in itertools.pairwise(leaves)]
    # Each process waits a moment for the answer of Redis.
    assert sum(pauses) > 11 * PACE / 30 - 0.02
    assert leaves[-1] < 1


async def test_no_second_of_telegram_counts_more_than_its_limit(redis_url: str) -> None:
    """Check the limit for sends that Telegram counts at a random time before its answer."""
    three = [RateLimiter(redis_url) for _ in range(3)]
    await three[0]._redis.flushall()
    moments = random.Random(5)
    telegram = Limits()
    telegram.enabled = True
    until = time.monotonic() + 3

    async def send(limiter: RateLimiter) -> int:
        sent = 0
        while time.monotonic() < until:
            chat_id = next(_chats)
            slot = await limiter.acquire(chat_id, within=3, ad=True)
            await asyncio.sleep(slot.send_at - time.monotonic())
            await asyncio.sleep(moments.uniform(0, 0.05))
            telegram.admit(chat_id, private=False)
            await asyncio.sleep(moments.uniform(0, 0.05))
            limiter.confirm(chat_id)
            sent += 1
        return sent

    sent = await asyncio.gather(*(send(limiter) for limiter in three for _ in range(8)))
    # More sends than one second permits. `telegram.admit` raises if they come too fast.
    assert sum(sent) > 30
    await asyncio.gather(*(limiter.close() for limiter in three))


async def test_an_urgent_notice_does_not_wait_for_the_last_ad(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    limiter, other = limiters

    async def send() -> None:
        chat_id = next(_chats)
        await limiter.wait(chat_id, within=9, ad=True)
        limiter.confirm(chat_id)

    ads = [asyncio.create_task(send()) for _ in range(120)]
    await asyncio.sleep(0.5)
    assert await other.wait(77, within=2) == 0
    assert not all(ad.done() for ad in ads)
    assert await other.wait(78, within=0.5) > 0
    for ad in ads:
        ad.cancel()
    await asyncio.gather(*ads, return_exceptions=True)


async def test_concurrent_requests_share_one_call_to_redis(
    limiters: tuple[RateLimiter, RateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, _ = limiters
    asked, ask = [], limiter._reserve_in_redis

    async def counted(batch: Any, answers: Any) -> Any:
        asked.append(len(batch))
        return await ask(batch, answers)

    monkeypatch.setattr(limiter, "_reserve_in_redis", counted)
    await request_slots(limiter, asking=20, within=1, ad=True)
    assert asked[0] == 20


async def test_a_cancelled_wait_takes_no_slot(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    limiter, _ = limiters
    await request_slots(limiter, asking=30, within=1, ad=True)
    gone, waits = next(_chats), next(_chats)
    leaving = asyncio.create_task(limiter.wait(gone, within=5, ad=True))
    staying = asyncio.create_task(limiter.wait(waits, within=5, ad=True))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert await staying == 0
    assert await limiter._redis.zscore("{limits}:all", str(gone)) is None


async def test_closing_the_limiter_ends_all_waits(redis_url: str) -> None:
    limiter = RateLimiter(redis_url)
    await limiter._redis.flushall()
    await request_slots(limiter, asking=30, within=1, ad=True)
    waiting = asyncio.create_task(limiter.wait(next(_chats), within=60, ad=True))
    await asyncio.sleep(0.05)
    await limiter.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)


async def test_sends_through_redis_count_after_redis_is_lost(tmp_path: Path) -> None:
    server = await embedded.start_valkey(tmp_path / "valkey")
    limiter = RateLimiter(server.url)
    assert await limiter.wait(CHANNEL, within=0, ad=True) == 0
    await server.stop()
    assert 0 < await limiter.wait(CHANNEL, within=0, ad=True) <= 1
    await limiter.close()


async def test_a_wider_limit_gives_more_slots(redis_url: str) -> None:
    limiter = RateLimiter(redis_url, per_second=1_000)
    await limiter._redis.flushall()
    begun = time.monotonic()
    waits = [await limiter.wait(next(_chats), within=0, ad=True) for _ in range(200)]
    assert time.monotonic() - begun < 5
    assert set(waits) == {0.0}
    await limiter.close()


async def test_waiting_for_one_chat_does_not_delay_others(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    limiter, _ = limiters
    await limiter.wait(CHANNEL, within=0)
    waiting = asyncio.create_task(limiter.wait(CHANNEL, within=2))
    await asyncio.sleep(0.1)
    assert await limiter.wait(next(_chats), within=0) == 0
    assert not waiting.done()
    assert await waiting == 0


async def test_a_refused_slot_uses_nothing_of_the_limit(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    await first.wait(CHANNEL, within=0)
    for _ in range(60):
        assert await first.wait(CHANNEL, within=0) > 0
    assert await second.wait(next(_chats), within=0) == 0


async def test_twenty_a_minute_in_a_channel_but_not_in_a_private_chat(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    for chat_id in (CHANNEL, 77):
        for age in range(20):
            member = {f"past:{age}": now - 2_000 - age * 1_000}
            await limiter._redis.zadd(f"{{limits}}:{chat_id}:minute", mapping=member)
    assert 35 < await limiter.wait(CHANNEL, within=0) < 40
    assert await limiter.wait(77, within=0) == 0


@pytest.mark.parametrize(("parts", "waits"), [(1, 0), (2, 41), (3, 42)])
async def test_the_first_of_several_parts_waits_for_slots_for_all(
    limiters: tuple[RateLimiter, RateLimiter], parts: int, waits: int
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    past = {f"past:{age}": now - 1_000 - age * 1_000 for age in range(19)}
    await limiter._redis.zadd(f"{{limits}}:{CHANNEL}:minute", mapping=past)
    wait = await limiter.wait(CHANNEL, within=0, parts=parts)
    assert waits - 1 < wait <= waits


async def test_an_album_counts_as_its_number_of_messages(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    assert await first.wait(CHANNEL, within=0, ad=True, messages=10, parts=10) == 0
    first.confirm(CHANNEL)
    await asyncio.sleep(1.1)
    assert await second.wait(CHANNEL, within=0, messages=10, parts=11) > 1
    assert await second.wait(CHANNEL, within=0, messages=10, parts=10) == 0
    assert await first.wait(CHANNEL, within=2) > 2, "the chat's minute is full"
    assert await first._redis.zcard("{limits}:all") >= 19


async def test_a_flooded_chat_rests_in_every_process(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    await first.cool_down(CHANNEL, timedelta(seconds=30))
    await second.cool_down(CHANNEL, timedelta(seconds=3))
    assert 29 < await second.wait(CHANNEL, within=0) <= 30
    assert await second.wait(next(_chats), within=0) == 0


async def test_many_resting_chats_make_all_chats_rest(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    first, second = limiters
    for _ in range(FLOOD_CHATS):
        await first.cool_down(next(_chats), timedelta(seconds=7))
    assert 6 < await second.wait(next(_chats), within=0) <= 7


async def test_a_step_back_of_the_clock_of_redis_delays_nothing(
    limiters: tuple[RateLimiter, RateLimiter],
) -> None:
    """Check that no send waits longer after the clock of Redis was set back."""
    limiter, _ = limiters
    resting, free = next(_chats), next(_chats)
    await limiter.cool_down(resting, timedelta(seconds=7))
    await request_slots(limiter, asking=30, within=0.9, ad=True)
    await limiter.wait(free, within=2, ad=True)
    hour = 3_600_000
    redis = limiter._redis
    for key in await redis.keys("*"):
        if await redis.type(key) == b"zset":
            for member, score in await redis.zrange(key, 0, -1, withscores=True):
                await redis.zadd(key, {member: score + hour})
            await redis.persist(key)
    seconds, _microseconds = await redis.time()
    await redis.set("{limits}:last_send", seconds * 1000 + hour)
    assert await limiter.wait(free, within=2, ad=True) == 0
    assert 0 < await limiter.wait(resting, within=0) <= 7


async def test_without_redis_a_process_keeps_its_share() -> None:
    limiter = RateLimiter(NOBODY)
    waits = [await limiter.wait(next(_chats), within=0) for _ in range(30)]
    assert sum(wait == 0 for wait in waits) == 30 // PROCESSES
    await limiter.close()


async def test_without_redis_a_chat_rests_all_the_same() -> None:
    limiter = RateLimiter(NOBODY)
    await limiter.cool_down(CHANNEL, timedelta(seconds=30))
    assert 29 < await limiter.wait(CHANNEL, within=0) <= 30
    await limiter.close()


async def test_a_redis_that_hangs_delays_once_and_briefly() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limiter = RateLimiter(f"redis://127.0.0.1:{port}/0")
    begun = time.monotonic()
    for _ in range(8):
        assert await limiter.wait(next(_chats), within=0) == 0
    assert time.monotonic() - begun < 2
    await limiter.close()
    server.close()
    await server.wait_closed()
