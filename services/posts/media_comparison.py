"""Decide whether a check that could not compare the media of an ad is doubtful.

A check edits the media of a post to the media of the ad. If two such edits succeed one after the
other, there are two explanations. Either Telegram does not compare media, or somebody has replaced
the media again between the two edits, for example with a program.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget
from db.models.posting import PostCheck, PostJob, Verdict

NOT_COMPARED = "200 twice: the media were not compared"
"""The evidence of a check in which two edits of the media have succeeded."""
RECENT_CHECKS = 5_000
_NOT_MODIFIED = "not modified"


async def is_doubtful(session: AsyncSession, evidence: str, *, kind: str) -> bool:
    """Return whether a check did not compare media although Telegram compares media of this kind.

    This is known from RECENT_CHECKS checks of all posts. `kind` is the kind of the ad.
    """
    if NOT_COMPARED not in evidence:
        return False
    recent = (
        select(PostCheck.post_job_id, PostCheck.evidence)
        .where(PostCheck.verdict == Verdict.PRESENT, PostCheck.compared)
        .order_by(PostCheck.id.desc())
        .limit(RECENT_CHECKS)
        .subquery()
    )
    compared_job_id = await session.scalar(
        select(recent.c.post_job_id)
        .join(PostJob, PostJob.id == recent.c.post_job_id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            Campaign.creative["kind"].astext == kind,
            recent.c.evidence.contains(_NOT_MODIFIED),
            ~recent.c.evidence.contains(NOT_COMPARED),
        )
        .limit(1)
    )
    return compared_job_id is not None
