"""Tell both sides about late posts that wait until their channel publishes ads again."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import outbox

KIND = "post_waits_for_hours"
_WAITING = text(
    """
    SELECT job.campaign_target_id AS target_id, target.owner_id, campaign.advertiser_id
    FROM post_jobs job
    JOIN campaign_targets target ON target.id = job.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    JOIN channel_calendars calendar ON calendar.channel_id = job.channel_id
    CROSS JOIN LATERAL closed_until(calendar, clock()) AS closed
    WHERE job.status = 'queued' AND job.due_at <= clock() AND closed.why IS NOT NULL
        AND coalesce(publish_time(target.id, target.publish_at), job.due_at)
            <= clock() - interval '10 minutes'
        AND NOT EXISTS (
            SELECT FROM outbox told
            WHERE told.key = concat_ws(
                ':', 'post_waits_for_hours', job.campaign_target_id, 'owner'))
    ORDER BY job.due_at, job.id LIMIT :limit
    """
)


async def notify(session: AsyncSession, *, limit: int) -> int:
    """Tell the owners and advertisers of late posts once that these wait. Return how many posts.

    A post is late ten minutes after its time. `posting.claim_due` then claims it only in the hours
    of its channel's calendar. If they do not come within ESCROW_SLA, the watchdog refunds it.
    """
    waiting = (await session.execute(_WAITING, {"limit": limit})).all()
    for row in waiting:
        for party, user_id in (("owner", row.owner_id), ("advertiser", row.advertiser_id)):
            await outbox.add(
                session,
                user_id=user_id,
                kind=KIND,
                payload={"target_id": row.target_id, "to": party},
                key=f"{KIND}:{row.target_id}:{party}",
            )
    return len(waiting)
