"""Claim post jobs whose next check or search is due, for one process at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.campaigns import Campaign, CampaignTarget, Channel, ad_of
from db.models.posting import PostJob
from services.market import channels, creatives
from services.market.creatives import Creative


class DueJob(NamedTuple):
    """A claimed post job with the data for a check or a search."""

    job_id: int
    target_id: int
    chat_id: int
    creative: Creative
    claimed_at: datetime
    """The database's time of the claim. The work begins at this time or later."""
    more: tuple[Any, ...]
    """The values of the `columns` from the call of `claim`."""
    check_began_at: datetime | None
    """The start of an earlier check without a recorded result, or None."""


async def claim(
    session: AsyncSession,
    *conditions: ColumnElement[bool],
    repeat_after: timedelta,
    columns: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    limit: int,
    **values: Any,
) -> Sequence[DueJob]:
    """Claim up to `limit` due jobs that meet the conditions, oldest due time first.

    The conditions may use `post_jobs`, `campaign_targets` and `channels`. After `repeat_after`,
    another process can claim the jobs. `values` are written into the claimed jobs. Leaves out jobs
    in channels without the bot's rights, and jobs with an unreadable ad. Locks the jobs, and skips
    those that another process has locked.
    """
    due = (
        select(PostJob.id, PostJob.check_began_at)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(PostJob.next_check_at <= func.clock(), channels.is_accessible(), *conditions)
        .order_by(PostJob.next_check_at)
        .limit(limit)
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("due")
    )
    claimed = await session.execute(
        update(PostJob)
        .where(
            PostJob.id == due.c.id,
            CampaignTarget.id == PostJob.campaign_target_id,
            Campaign.id == CampaignTarget.campaign_id,
            Channel.id == PostJob.channel_id,
        )
        .values(next_check_at=func.clock() + repeat_after, **values)
        .returning(
            PostJob.id,
            PostJob.campaign_target_id,
            Channel.chat_id,
            ad_of(),
            func.clock(),
            due.c.check_began_at,
            *columns,
        )
        .execution_options(synchronize_session=False)
    )
    jobs = []
    for job_id, target_id, chat_id, stored, claimed_at, began_at, *more in claimed:
        creative = creatives.read_or_none(stored)
        if creative is not None:
            jobs.append(
                DueJob(job_id, target_id, chat_id, creative, claimed_at, tuple(more), began_at)
            )
    return jobs
