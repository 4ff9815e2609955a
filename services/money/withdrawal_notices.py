"""Limit how often one person can make the bot write about withdrawals into the admin chat."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Withdrawal

HOUR = timedelta(hours=1)
PER_HOUR = 5
"""The staff is told of this many requests of one person in an hour, and of the others later.

Otherwise a person could fill the admin chat by requesting money and taking it back all the time.
"""


async def staff_delay(session: AsyncSession, user_id: int) -> timedelta:
    """Return after which time the admin chat is told of a person's newest withdrawal."""
    recent = await session.scalar(
        select(func.count()).where(
            Withdrawal.user_id == user_id, Withdrawal.created_at > func.clock() - HOUR
        )
    )
    return HOUR * (((recent or 1) - 1) // PER_HOUR)
