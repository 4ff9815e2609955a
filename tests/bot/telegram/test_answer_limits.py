"""Test that answers to updates count towards Telegram's limit for all messages of a bot."""

import asyncio
from datetime import timedelta

from bot.telegram.rate_limiter import RateLimiter
from tests.bot.telegram.test_rate_limiter import (  # noqa: F401 - the two fixtures
    CHANNEL,
    count_given,
    limiters,
    redis_url,
)

PERSON = 5
Pair = tuple[RateLimiter, RateLimiter]


async def test_answers_do_not_wait_for_the_second_of_their_chat(limiters: Pair) -> None:  # noqa: F811 - a fixture
    first, second = limiters
    for limiter in (first, second, first):
        assert await limiter.wait(PERSON, within=0.5, answer=True) == 0
    assert await second.wait(PERSON, within=0) > 0, "a notice waits for the chat's second"
    await second.cool_down(PERSON, timedelta(seconds=30))
    assert await first.wait(PERSON, within=0, answer=True) > 20


async def test_answers_to_one_person_count_for_all_chats(limiters: Pair) -> None:  # noqa: F811 - a fixture
    asked = (limiters[0].acquire(PERSON, within=0.7, answer=True) for _ in range(40))
    assert count_given(list(await asyncio.gather(*asked))) <= 25


async def test_an_edit_uses_no_slot_of_the_minute(limiters: Pair) -> None:  # noqa: F811 - a fixture
    limiter, _ = limiters
    for _ in range(22):
        assert await limiter.wait(CHANNEL, within=3, ad=True, parts=0, answer=True) == 0
    for _ in range(20):
        assert await limiter.wait(CHANNEL, within=3, ad=True, answer=True) == 0
    assert await limiter.wait(CHANNEL, within=3, ad=True, answer=True) > 3
