"""Note which post of a channel has covered an ad within the promised hours on top."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import audit, outbox
from services.platform.actors import SYSTEM

KIND = "post_above"
_NOTE = text(
    """
    INSERT INTO posts_above (post_job_id, message_id, posted_at)
    SELECT job.id, :message_id, :posted_at
    FROM channels channel
    JOIN post_jobs job ON job.channel_id = channel.id AND NOT job.settled
    JOIN campaign_targets target ON target.id = job.campaign_target_id
    WHERE channel.chat_id = :chat_id AND job.status = 'success' AND job.message_id < :message_id
        AND :message_id > ALL (job.other_message_ids)
        AND :posted_at < job.sent_at + target.hours_on_top * interval '1 hour'
    ON CONFLICT DO NOTHING
    RETURNING post_job_id
    """
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("chat_id", "message_id")),
    bindparam("posted_at", type_=DateTime(timezone=True)),
)
_PARTIES = text(
    """
    SELECT target.id, target.owner_id, campaign.advertiser_id
    FROM post_jobs job JOIN campaign_targets target ON target.id = job.campaign_target_id
    JOIN campaigns campaign ON campaign.id = target.campaign_id
    WHERE job.id = ANY (:job_ids) ORDER BY target.id
    """
)


async def note(
    session: AsyncSession, *, chat_id: int, message_id: int, posted_at: datetime
) -> None:
    """Note a new post of a channel for each live ad that it covers, and tell owner and advertiser.

    An ad is covered if a newer post comes within its hours on top. Only the first such post is
    noted. `posted_at` is Telegram's time of the post, with a time zone. No money moves: the note is
    what the advertiser can complain with.
    """
    values = {"chat_id": chat_id, "message_id": message_id, "posted_at": posted_at}
    job_ids = (await session.scalars(_NOTE, values)).all()
    if not job_ids:
        return
    for row in await session.execute(_PARTIES, {"job_ids": list(job_ids)}):
        await audit.record(
            session, actor=SYSTEM, action="post_covered", role="system", target_id=row.id
        )
        for to, user_id in (("owner", row.owner_id), ("advertiser", row.advertiser_id)):
            await outbox.add(
                session,
                user_id=user_id,
                kind=KIND,
                payload={
                    "target_id": row.id,
                    "to": to,
                    "message_id": message_id,
                    "until": posted_at.isoformat(),
                },
                key=f"{KIND}:{row.id}:{to}",
            )
