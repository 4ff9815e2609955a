"""Decide what a check proves if an edit of the media or of the link preview has succeeded.

A check edits the media of a post to the media of the ad. There are two explanations for a
successful edit: the media were altered, or Telegram does not compare media and accepts every edit.
Therefore the check makes the same edit a second time. "Not modified" proves an alteration. If the
second edit succeeds too, either Telegram does not compare media, or somebody has replaced the media
again between the two edits, for example with a program. If the second edit has no clear answer,
earlier checks decide which explanation is true.

A text with a link preview is edited twice in the same way. The edit also succeeds if the previewed
page has changed, which its owner can do at any time. So it never proves an alteration.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, ad_of
from db.models.posting import AdPart, PostCheck, PostJob, Verdict

NOT_COMPARED = "200 twice: the media were not compared"
"""The evidence of a check in which two edits of the media or of the preview have succeeded."""
EDITED_ONCE = "200: the media were edited, and the second edit had no clear answer"
"""The beginning of the evidence of a check in which only the first of two edits is known."""
RECENT_CHECKS = 5_000
_NOT_MODIFIED = "not modified"


async def is_doubtful(session: AsyncSession, evidence: str, *, ad: Mapping[str, Any]) -> bool:
    """Return whether a check did not compare a part although Telegram compares it in such ads.

    `ad` is the stored ad.
    """
    return NOT_COMPARED in evidence and await _are_compared(session, ad)


async def certain_parts(
    session: AsyncSession,
    evidence: str,
    altered_parts: Collection[AdPart],
    *,
    ad: Mapping[str, Any],
) -> list[AdPart]:
    """Return the parts of an ad that were certainly altered, in alphabetical order.

    If the second edit of the media had no clear answer, the media count only if Telegram compares
    media of this kind. A text with its link preview never counts. `ad` is the stored ad.
    """
    certain = set(altered_parts) - {AdPart.PREVIEW}
    if EDITED_ONCE in evidence and not await _are_compared(session, ad):
        certain.discard(AdPart.MEDIA)
    return sorted(certain)


async def _are_compared(session: AsyncSession, ad: Mapping[str, Any]) -> bool:
    """Return whether Telegram compares ads of this kind, by the last RECENT_CHECKS checks.

    Texts with a link preview are a kind of their own.
    """
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
            ad_of()["kind"].astext == ad["kind"],
            ad_of().has_key("link_preview") == ("link_preview" in ad),
            recent.c.evidence.contains(_NOT_MODIFIED),
            ~recent.c.evidence.contains(NOT_COMPARED),
        )
        .limit(1)
    )
    return compared_job_id is not None
