"""Check the time at which an advertiser wants a post to be published."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.platform import errors

LONGEST_AHEAD = timedelta(days=3650)
"""How far ahead a post may be planned if the settings contain no limit. With this limit, all times
that are computed for a placement stay before the year 10000."""


async def require(session: AsyncSession, publish_at: datetime, *, ahead: timedelta) -> None:
    """Refuse a publication time that has passed, or that is further away than `ahead`.

    `publish_at` has a time zone. Raises PublishTimePast, PublishTimeTooFar.
    """
    now = await queries.now(session)
    if publish_at <= now:
        raise errors.PublishTimePast(None)
    if publish_at - now > ahead:
        raise errors.PublishTimeTooFar(now + ahead)
