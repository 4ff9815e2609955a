"""Looks at live posts: is the ad there, as it was promised, until its hours are over?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel, ChannelStatus
from db.models.money import Escrow, EscrowStatus
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict
from services import audit, errors, outbox
from services.actors import SYSTEM
from services.creatives import Creative

LOOK_AGAIN = timedelta(minutes=5)
"""Between two looks at one post: "gone" counts when two of them, this far apart, agree."""


@dataclass(frozen=True)
class Look:
    """A post to look at."""

    job_id: int
    target_id: int
    chat_id: int
    message_id: int
    creative: Creative


async def due(session: AsyncSession, *, limit: int) -> Sequence[Look]:
    """Return posts whose promised hours are over and which are not proven yet.

    A post that was looked at within LOOK_AGAIN waits; so do posts of suspended channels.
    """
    latest = (
        select(func.max(PostCheck.checked_at))
        .where(PostCheck.post_job_id == PostJob.id)
        .scalar_subquery()
    )
    proven = (
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == PostJob.id,
            PostCheck.verdict == Verdict.PRESENT,
            PostCheck.checked_at >= Escrow.release_due_at,
        )
        .exists()
    )
    rows = await session.execute(
        select(
            PostJob.id,
            PostJob.campaign_target_id,
            Channel.chat_id,
            PostJob.message_id,
            Campaign.creative,
        )
        .join(Escrow, Escrow.campaign_target_id == PostJob.campaign_target_id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(
            Escrow.status == EscrowStatus.HELD,
            Escrow.release_due_at <= func.clock(),
            PostJob.status == PostJobStatus.SUCCESS,
            CampaignTarget.promised_hours > 0,
            Channel.status != ChannelStatus.SUSPENDED,
            ~proven,
            func.coalesce(latest, PostJob.sent_at) <= func.clock() - LOOK_AGAIN,
        )
        .order_by(Escrow.release_due_at)
        .limit(limit)
    )
    return [
        Look(job_id, target_id, chat_id, message_id, Creative.from_json(creative))
        for job_id, target_id, chat_id, message_id, creative in rows
    ]


async def record(session: AsyncSession, *, job_id: int, verdict: Verdict, evidence: str) -> None:
    """Record what a look found. A second "gone", LOOK_AGAIN after the first, fails the post.

    The clock then refunds it; owner and advertiser are told. Unknown never moves money. Locks the
    target, the job, the escrow; a post that is not live any more is left alone.
    """
    target_id = await session.scalar(select(PostJob.campaign_target_id).where(PostJob.id == job_id))
    if target_id is None:
        raise errors.NotFound("post_job", job_id)
    placement = await queries.lock_placement(session, target_id)
    if (
        placement is None
        or placement.job is None
        or placement.job.status is not PostJobStatus.SUCCESS
        or placement.escrow is None
        or placement.escrow.status is not EscrowStatus.HELD
    ):
        return
    gone_before = verdict is Verdict.GONE and await _gone_before(session, job_id)
    await session.execute(
        insert(PostCheck).values(post_job_id=job_id, verdict=verdict, evidence=evidence)
    )
    await audit.record(
        session,
        actor=SYSTEM,
        action=f"post_{verdict}",
        role="system",
        post_job_id=job_id,
        target_id=target_id,
    )
    if not gone_before:
        return
    placement.job.status = PostJobStatus.FAILED
    placement.job.last_error = "removed"
    placement.job.updated_at = await queries.now(session)
    await session.flush()
    for person, user_id in (
        ("owner", placement.target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="post_gone",
            payload={"target_id": target_id, "to": person},
            key=f"post_gone:{target_id}:{person}",
        )


async def _gone_before(session: AsyncSession, job_id: int) -> bool:
    """Tell whether the last look, LOOK_AGAIN ago or more, found the post gone as well."""
    last = (
        await session.execute(
            select(PostCheck.verdict, PostCheck.checked_at <= func.clock() - LOOK_AGAIN)
            .where(PostCheck.post_job_id == job_id)
            .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return last is not None and last[0] is Verdict.GONE and bool(last[1])
