"""Choose the times at which a published post is checked."""

import random
from datetime import datetime, timedelta
from math import ceil

SHORTEST_PART = timedelta(minutes=30)
"""The promised hours are divided into equal parts of at least this length.

Each part has one check, so an alteration that stands for two parts is always seen.
"""
MAX_CHECKS = 24
"""The promised hours of a post have at most this many parts."""
LAST_CHECK = timedelta(minutes=5)
"""A post is checked one more time in the last five minutes of its promised hours."""
RANDOM = random.SystemRandom()


def next_check_time(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Choose the time of a post's next check.

    `sent_at` and `ends_at` limit the promised hours. The result is a random moment in the first
    part that begins at `after` or later. If there is no such part, the result is a random moment in
    the last five minutes (LAST_CHECK). If these have begun, the result is `ends_at`.
    """
    part, number = _next_part(sent_at, ends_at, after)
    if part is None:
        soonest = ends_at - LAST_CHECK
        return soonest + LAST_CHECK * RANDOM.random() if after < soonest else ends_at
    return sent_at + part * (number + RANDOM.random())


def latest_next_check(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Return the latest time that `next_check_time` can choose for the same arguments."""
    part, number = _next_part(sent_at, ends_at, after)
    return ends_at if part is None else min(sent_at + part * (number + 1), ends_at)


def _next_part(
    sent_at: datetime, ends_at: datetime, after: datetime
) -> tuple[timedelta | None, int]:
    """Return the length of a part and the next part's number. The length is None after the last."""
    hours = ends_at - sent_at
    parts = min(max(hours // SHORTEST_PART, 1), MAX_CHECKS)
    part = hours / parts
    number = ceil((after - sent_at) / part) if part else parts
    return (None if number >= parts else part), number
