"""Begin the searches for posts of a restored backup, which may have been published since then."""

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models.posting import PostJob, PostJobStatus
from services.platform import audit
from services.platform.actors import SYSTEM
from services.posts import posting

BATCH = 50
BUSY = (PostJobStatus.SENDING, PostJobStatus.UNCERTAIN)


async def begin_searches(session: AsyncSession) -> int:
    """Make queued posts of a restored backup uncertain, to have them searched. Return how many.

    At most one post of each channel is searched at a time, the oldest due time first. During the
    search, no other post of the channel is sent. Locks the jobs, and skips those that another
    transaction has locked.
    """
    busy = aliased(PostJob)
    first = (
        select(PostJob.id)
        .ext(distinct_on(PostJob.channel_id))
        .where(
            PostJob.status == PostJobStatus.QUEUED,
            PostJob.search_above.is_not(None),
            ~exists().where(busy.channel_id == PostJob.channel_id, busy.status.in_(BUSY)),
        )
        .order_by(PostJob.channel_id, PostJob.due_at, PostJob.id)
        .subquery()
    )
    due = (
        select(PostJob.id)
        .where(PostJob.id.in_(select(first.c.id)), PostJob.status == PostJobStatus.QUEUED)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    begin = (
        update(PostJob)
        .where(PostJob.id == due.c.id)
        .values(
            status=PostJobStatus.UNCERTAIN,
            claim_no=PostJob.claim_no + 1,
            last_error="a backup was restored",
            updated_at=func.clock(),
            **posting.uncertain_values(),
        )
        .returning(PostJob.id, PostJob.campaign_target_id)
        .execution_options(synchronize_session=False)
    )
    try:
        async with session.begin_nested():
            rows = (await session.execute(begin)).all()
    except IntegrityError:
        return 0  # another process has begun with a post of the same channel meanwhile
    for row in rows:
        await audit.record(
            session,
            actor=SYSTEM,
            action="post_uncertain",
            role="system",
            post_job_id=row.id,
            target_id=row.campaign_target_id,
        )
    return len(rows)
