"""Choose the times at which a published post is checked."""

import random
from datetime import datetime, timedelta
from math import ceil

CHECK_INTERVAL = timedelta(hours=6)
"""The shortest part into which the promised hours (the time that a post must stay) are divided.

In each part, the post is checked once, at a random time. Shorter promised hours are one part.
"""
MAX_CHECKS = 24
"""The largest number of parts of the promised hours. Many promised hours get longer parts."""
RANDOM = random.SystemRandom()


def next_check_time(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Choose the time of a post's first check after the time `after`.

    The time is a random moment in the first part of the promised hours that begins at `after` or
    later. If no part is left, it is the end of the promised hours. The moment is random, so that an
    owner cannot remove the ad between two checks at known times.
    """
    part, number = _next_part(sent_at, ends_at, after)
    if part is None:
        return ends_at
    return sent_at + part * (number + RANDOM.random())


def latest_next_check(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Return the latest time that `next_check_time` can choose for the same arguments."""
    part, number = _next_part(sent_at, ends_at, after)
    return ends_at if part is None else min(sent_at + part * (number + 1), ends_at)


def _next_part(
    sent_at: datetime, ends_at: datetime, after: datetime
) -> tuple[timedelta | None, int]:
    """Find the first part of a post's promised hours that begins at `after` or later.

    All parts have the same length. The part with the number 0 begins with the publication. Returns
    the length of a part and the number of the found part. If no part is left, the length is None.
    """
    hours = ends_at - sent_at
    parts = min(max(hours // CHECK_INTERVAL, 1), MAX_CHECKS)
    part = hours / parts
    number = ceil((after - sent_at) / part) if part else parts
    return (None if number >= parts else part), number
