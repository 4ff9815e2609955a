"""Telegram's limits, kept by several processes through a real Valkey and without one."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.limiter import Limiter, Place
from bot.limits import FLOODED_CHATS, PACE, REMEMBERED, SHARE, LocalShare
from sandbox import embedded
from sandbox.limits import Limits

CHANNEL = -1001234567890
NOBODY = "redis://127.0.0.1:1/0"

_chats = itertools.count(CHANNEL, -1)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of this module's own."""
    server = asyncio.run(embedded.start_valkey(Path(tmp_path_factory.mktemp("valkey"))))
    yield server.url
    asyncio.run(server.stop())


@pytest.fixture
async def limiters(redis_url: str) -> AsyncIterator[tuple[Limiter, Limiter]]:
    """Two processes' limiters, with nothing sent yet."""
    pair = Limiter(redis_url), Limiter(redis_url)
    await pair[0]._redis.flushall()
    yield pair
    for limiter in pair:
        await limiter.close()


async def test_two_processes_share_one_a_second_in_a_chat(
    limiters: tuple[Limiter, Limiter],
) -> None:
    first, second = limiters
    assert await first.turn(CHANNEL, within=0) == 0
    assert 0 < await second.turn(CHANNEL, within=0) <= 1


async def test_a_turn_is_waited_for(limiters: tuple[Limiter, Limiter]) -> None:
    first, second = limiters
    await first.turn(CHANNEL, within=0)
    begun = time.monotonic()
    assert await second.turn(CHANNEL, within=2) == 0
    assert 0.9 <= time.monotonic() - begun < 2


async def places(*limiters: Limiter, asking: int, within: float, ad: bool) -> list[Place]:
    """So many ask at once, of these processes in turn, each for another chat."""
    processes = itertools.cycle(limiters)
    return await asyncio.gather(
        *(next(processes).place(next(_chats), within=within, ad=ad) for _ in range(asking))
    )


def given(found: list[Place]) -> int:
    """How many got a place."""
    return sum(place.wait == 0 for place in found)


async def test_two_processes_share_thirty_a_second(limiters: tuple[Limiter, Limiter]) -> None:
    begun = time.monotonic()
    found = await places(*limiters, asking=60, within=0.9, ad=True)
    assert given(found) == 30
    assert all(place.leaves - begun < 1 for place in found if place.wait == 0)


async def test_notices_leave_places_to_ads(limiters: tuple[Limiter, Limiter]) -> None:
    limiter, _ = limiters
    assert given(await places(limiter, asking=30, within=0.7, ad=False)) == 24
    assert given(await places(limiter, asking=6, within=0.7, ad=True)) == 6
    assert await limiter.turn(next(_chats), within=0, ad=True) > 0


async def test_a_place_counts_from_the_answer(limiters: tuple[Limiter, Limiter]) -> None:
    """Telegram may have counted the message as late as right before it answered."""
    first, second = limiters
    await first.turn(CHANNEL, within=0)
    await asyncio.sleep(0.6)
    first.tell(CHANNEL)
    await asyncio.sleep(0.05)
    assert 0.9 < await second.turn(CHANNEL, within=0) <= 1


async def test_an_ad_under_way_keeps_its_place(limiters: tuple[Limiter, Limiter]) -> None:
    """A slow request may be counted long after its turn."""
    first, second = limiters
    await places(first, asking=30, within=1, ad=True)
    await asyncio.sleep(1.1)
    assert 0.9 < await second.turn(next(_chats), within=0, ad=True) <= 1


async def test_a_place_of_a_minute_counts_from_the_answer_as_well(
    limiters: tuple[Limiter, Limiter],
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    past = {f"past:{age}": now - 2_000 - age * 1_000 for age in range(19)}
    await limiter._redis.zadd(f"limits:{CHANNEL}:minute", mapping=past)
    assert await limiter.turn(CHANNEL, within=0, ad=True) == 0
    await asyncio.sleep(0.5)
    limiter.tell(CHANNEL)
    await asyncio.sleep(0.05)
    [(_, counts)] = await limiter._redis.zrange(f"limits:{CHANNEL}:minute", -1, -1, withscores=True)
    assert now + 450 < counts < time.time() * 1000 + 1


async def test_places_go_at_an_even_pace_and_a_moment_ahead(
    limiters: tuple[Limiter, Limiter],
) -> None:
    begun = time.monotonic()
    found = await places(*limiters, asking=12, within=0.5, ad=True)
    assert given(found) == 12
    leaves = sorted(place.leaves - begun for place in found)
    pauses = [later - earlier for earlier, later in itertools.pairwise(leaves)]
    # The processes' answers from Redis take a moment each.
    assert sum(pauses) > 11 * PACE / 30 - 0.02
    assert leaves[-1] < 1


async def test_no_window_of_telegrams_ever_holds_more(redis_url: str) -> None:
    """Whenever between departure and answer it counts: here at random, in three processes."""
    three = [Limiter(redis_url) for _ in range(3)]
    await three[0]._redis.flushall()
    moments = random.Random(5)  # noqa: S311 - repeatable is the point
    telegram = Limits()
    telegram.enabled = True
    until = time.monotonic() + 3

    async def send(limiter: Limiter) -> int:
        sent = 0
        while time.monotonic() < until:
            chat_id = next(_chats)
            place = await limiter.place(chat_id, within=3, ad=True)
            await asyncio.sleep(place.leaves - time.monotonic())
            await asyncio.sleep(moments.uniform(0, 0.05))
            telegram.admit(chat_id, private=False)
            await asyncio.sleep(moments.uniform(0, 0.05))
            limiter.tell(chat_id)
            sent += 1
        return sent

    sent = await asyncio.gather(*(send(limiter) for limiter in three for _ in range(8)))
    # 30 in each second and the time of an answer, but for what a busy machine loses.
    assert sum(sent) > 3 * 30 * 0.7
    await asyncio.gather(*(limiter.close() for limiter in three))


async def test_an_alarm_does_not_wait_for_the_last_ad(limiters: tuple[Limiter, Limiter]) -> None:
    limiter, other = limiters

    async def send() -> None:
        chat_id = next(_chats)
        await limiter.turn(chat_id, within=9, ad=True)
        limiter.tell(chat_id)

    ads = [asyncio.create_task(send()) for _ in range(120)]
    await asyncio.sleep(0.5)
    assert await other.turn(77, within=2) == 0
    assert not all(ad.done() for ad in ads)
    assert await other.turn(78, within=0.5) > 0
    for ad in ads:
        ad.cancel()
    await asyncio.gather(*ads, return_exceptions=True)


async def test_who_comes_together_asks_together(
    limiters: tuple[Limiter, Limiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, _ = limiters
    asked, ask = [], limiter._ask_redis

    async def counted(batch: Any, answers: Any) -> Any:
        asked.append(len(batch))
        return await ask(batch, answers)

    monkeypatch.setattr(limiter, "_ask_redis", counted)
    await places(limiter, asking=20, within=1, ad=True)
    assert asked[0] == 20


async def test_who_gave_up_waiting_takes_no_place(limiters: tuple[Limiter, Limiter]) -> None:
    limiter, _ = limiters
    await places(limiter, asking=30, within=1, ad=True)
    gone, waits = next(_chats), next(_chats)
    leaving = asyncio.create_task(limiter.turn(gone, within=5, ad=True))
    staying = asyncio.create_task(limiter.turn(waits, within=5, ad=True))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert await staying == 0
    assert await limiter._redis.zscore("limits:all", str(gone)) is None


async def test_who_waits_is_let_go_when_the_limiter_closes(redis_url: str) -> None:
    limiter = Limiter(redis_url)
    await limiter._redis.flushall()
    await places(limiter, asking=30, within=1, ad=True)
    waiting = asyncio.create_task(limiter.turn(next(_chats), within=60, ad=True))
    await asyncio.sleep(0.05)
    await limiter.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)


async def test_what_went_through_redis_counts_when_it_is_away(tmp_path: Path) -> None:
    server = await embedded.start_valkey(tmp_path / "valkey")
    limiter = Limiter(server.url)
    assert await limiter.turn(CHANNEL, within=0, ad=True) == 0
    await server.stop()
    assert 0 < await limiter.turn(CHANNEL, within=0, ad=True) <= 1
    await limiter.close()


async def test_a_wide_limit_is_another_number_of_the_same_rule(redis_url: str) -> None:
    limiter = Limiter(redis_url, per_second=1_000)
    await limiter._redis.flushall()
    begun = time.monotonic()
    waits = [await limiter.turn(next(_chats), within=0, ad=True) for _ in range(200)]
    assert time.monotonic() - begun < 5
    assert set(waits) == {0.0}
    await limiter.close()


async def test_waiting_for_a_chat_holds_no_other_up(limiters: tuple[Limiter, Limiter]) -> None:
    limiter, _ = limiters
    await limiter.turn(CHANNEL, within=0)
    waiting = asyncio.create_task(limiter.turn(CHANNEL, within=2))
    await asyncio.sleep(0.1)
    assert await limiter.turn(next(_chats), within=0) == 0
    assert not waiting.done()
    assert await waiting == 0


async def test_a_place_that_was_not_given_takes_none(limiters: tuple[Limiter, Limiter]) -> None:
    """A busy chat that asks again and again must not use up the common limit."""
    first, second = limiters
    await first.turn(CHANNEL, within=0)
    for _ in range(60):
        assert await first.turn(CHANNEL, within=0) > 0
    assert await second.turn(next(_chats), within=0) == 0


async def test_twenty_a_minute_in_a_channel_but_not_in_a_private_chat(
    limiters: tuple[Limiter, Limiter],
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    for chat_id in (CHANNEL, 77):
        for age in range(20):
            member = {f"past:{age}": now - 2_000 - age * 1_000}
            await limiter._redis.zadd(f"limits:{chat_id}:minute", mapping=member)
    assert 35 < await limiter.turn(CHANNEL, within=0) < 40
    assert await limiter.turn(77, within=0) == 0


@pytest.mark.parametrize(("parts", "waits"), [(1, 0), (2, 41), (3, 42)])
async def test_the_first_of_several_parts_waits_for_room_for_all(
    limiters: tuple[Limiter, Limiter], parts: int, waits: int
) -> None:
    limiter, _ = limiters
    now = int(time.time() * 1000)
    past = {f"past:{age}": now - 1_000 - age * 1_000 for age in range(19)}
    await limiter._redis.zadd(f"limits:{CHANNEL}:minute", mapping=past)
    wait = await limiter.turn(CHANNEL, within=0, parts=parts)
    assert waits - 1 < wait <= waits


async def test_a_chat_rests_in_every_process(limiters: tuple[Limiter, Limiter]) -> None:
    first, second = limiters
    await first.rest(CHANNEL, timedelta(seconds=30))
    await second.rest(CHANNEL, timedelta(seconds=3))
    assert 29 < await second.turn(CHANNEL, within=0) <= 30
    assert await second.turn(next(_chats), within=0) == 0


async def test_when_many_chats_rest_all_do(limiters: tuple[Limiter, Limiter]) -> None:
    first, second = limiters
    for _ in range(FLOODED_CHATS):
        await first.rest(next(_chats), timedelta(seconds=7))
    assert 6 < await second.turn(next(_chats), within=0) <= 7


async def test_without_redis_a_process_keeps_its_share() -> None:
    limiter = Limiter(NOBODY)
    waits = [await limiter.turn(next(_chats), within=0) for _ in range(30)]
    assert sum(wait == 0 for wait in waits) == 30 // SHARE
    await limiter.close()


async def test_without_redis_a_chat_rests_all_the_same() -> None:
    limiter = Limiter(NOBODY)
    await limiter.rest(CHANNEL, timedelta(seconds=30))
    assert 29 < await limiter.turn(CHANNEL, within=0) <= 30
    await limiter.close()


async def test_a_redis_that_hangs_delays_once_and_briefly() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    limiter = Limiter(f"redis://127.0.0.1:{port}/0")
    begun = time.monotonic()
    for _ in range(5):
        assert await limiter.turn(next(_chats), within=0) == 0
    assert time.monotonic() - begun < 1
    await limiter.close()
    server.close()
    await server.wait_closed()


def test_the_local_share_does_not_grow_with_every_chat() -> None:
    share = LocalShare()
    for _ in range(5 * REMEMBERED):
        share.take(next(_chats))
    assert len(share._sent) <= REMEMBERED
