"""Tell whether the owner of a removed post is asked to publish it again, because of a complaint."""

from datetime import timedelta

from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.complaints import Complaint, ComplaintStatus
from db.models.posting import PostJob

RECHECK_INTERVAL = timedelta(hours=1)
"""The time between two checks of a post that is gone while its owner is asked."""
_ASKED = (ComplaintStatus.ASKED, ComplaintStatus.CORRECTING)


async def is_possible(session: AsyncSession, job: PostJob) -> bool:
    """Return whether an owner may still publish a removed post again (`republish_post`).

    Then the job of the post does not fail yet. If the owner has done it before, the answer is
    False, and the next removed post is refunded. It is False for an album too, because a part of
    the removed one may still be in the channel.
    """
    if job.removed_message_id is not None or job.other_message_ids:
        return False
    asked = await session.scalar(
        select(Complaint.id).where(
            Complaint.campaign_target_id == job.campaign_target_id,
            Complaint.status.in_(_ASKED),
            Complaint.due_at > func.clock(),
        )
    )
    return asked is not None


async def is_proven_gone(session: AsyncSession, job: PostJob) -> bool:
    """Return whether the recorded checks prove that a published post is gone (`is_post_gone`).

    A later check without a clear result does not undo this proof.
    """
    found: bool | None = await session.scalar(
        select(func.is_post_gone(literal_column("post_jobs"))).where(PostJob.id == job.id)
    )
    return found is True
