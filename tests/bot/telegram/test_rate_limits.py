"""Test the rate limiter of one process while Redis is unavailable."""

import itertools

import pytest

from bot.telegram.rate_limits import MAX_WINDOWS, NO_WAIT, PER_MINUTE, PER_SECOND, LocalLimiter

pytestmark = pytest.mark.keeps_limits

CHANNEL = -1001234567890
_chats = itertools.count(CHANNEL, -1)


def test_the_local_share_does_not_grow_with_every_chat() -> None:
    share = LocalLimiter()
    for _ in range(5 * MAX_WINDOWS):
        share.reserve(next(_chats))
    assert len(share._sent) <= MAX_WINDOWS


def test_an_album_counts_as_its_number_of_messages_in_memory() -> None:
    limiter = LocalLimiter(PER_SECOND)
    assert limiter.reserve(CHANNEL, 10, messages=10) == NO_WAIT
    assert len(limiter._sent[f"{CHANNEL}:minute"]) == 10
    assert limiter.reserve(next(_chats)).all_chats > 0, "the album has used the process's share"
    limiter._sent = {f"{CHANNEL}:minute": limiter._sent[f"{CHANNEL}:minute"]}
    assert limiter.reserve(CHANNEL, PER_MINUTE - 9).chat > 1
    assert limiter.reserve(CHANNEL, PER_MINUTE - 10, messages=10) == NO_WAIT
