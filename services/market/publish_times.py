"""Check the planned time of a post."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.platform import errors

# With this limit, all times that are computed for a placement stay before the year 10000.
LONGEST_AHEAD = timedelta(days=3650)
"""The default limit for how far ahead a post can be planned."""


async def require(session: AsyncSession, publish_at: datetime, *, ahead: timedelta) -> None:
    """Refuse a planned time in the past or more than `ahead` from now.

    `publish_at` has a time zone. Raises PublishTimePast, PublishTimeTooFar.
    """
    now = await queries.now(session)
    if publish_at <= now:
        raise errors.PublishTimePast(None)
    if publish_at - now > ahead:
        raise errors.PublishTimeTooFar(now + ahead)
