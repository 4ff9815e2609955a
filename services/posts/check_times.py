"""Choose the times at which a published post is checked."""

import random
from datetime import datetime, timedelta
from math import ceil

CHECK_INTERVAL = timedelta(hours=6)
"""The promised hours of a post are divided into parts that are at least this long.

The promised hours are the time that the post must stay. The post is checked one time in each part,
at a random moment. Promised hours that are shorter than CHECK_INTERVAL are one part.
"""
MAX_CHECKS = 24
"""The promised hours of a post are divided into at most this many parts."""
LAST_LOOK = timedelta(minutes=5)
"""A post is checked one more time in this time before the end of its promised hours.

Without this check, nobody could tell whether a post that is gone right after the end has stayed.
"""
RANDOM = random.SystemRandom()


def next_check_time(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Choose the time of a post's next check.

    The promised hours (the time that the post must stay) begin at `sent_at` and end at `ends_at`.
    They are divided into equal parts. The result is a random moment in the first part that begins
    at `after` or later. If there is no such part, the result is a random moment in LAST_LOOK before
    `ends_at`. If LAST_LOOK has begun, the result is `ends_at`.
    """
    part, number = _next_part(sent_at, ends_at, after)
    if part is None:
        look = ends_at - LAST_LOOK
        return look + LAST_LOOK * RANDOM.random() if after < look else ends_at
    return sent_at + part * (number + RANDOM.random())


def latest_next_check(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Return the latest time that `next_check_time` can choose for the same arguments."""
    part, number = _next_part(sent_at, ends_at, after)
    return ends_at if part is None else min(sent_at + part * (number + 1), ends_at)


def _next_part(
    sent_at: datetime, ends_at: datetime, after: datetime
) -> tuple[timedelta | None, int]:
    """Find the first part of a post's promised hours that begins at `after` or later.

    The promised hours are divided into equal parts, which are counted from 0. Returns two values:
    the length of a part, and the number of the found part. If there is no such part, the length is
    None.
    """
    hours = ends_at - sent_at
    parts = min(max(hours // CHECK_INTERVAL, 1), MAX_CHECKS)
    part = hours / parts
    number = ceil((after - sent_at) / part) if part else parts
    return (None if number >= parts else part), number
