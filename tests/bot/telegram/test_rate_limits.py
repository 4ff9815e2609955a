"""Test the rate limiter of one process while Redis is unavailable."""

import itertools

from bot.telegram.rate_limits import MAX_WINDOWS, LocalLimiter

CHANNEL = -1001234567890
_chats = itertools.count(CHANNEL, -1)


def test_the_local_share_does_not_grow_with_every_chat() -> None:
    share = LocalLimiter()
    for _ in range(5 * MAX_WINDOWS):
        share.reserve(next(_chats))
    assert len(share._sent) <= MAX_WINDOWS
