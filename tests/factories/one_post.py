"""Call services for many posts with a single post."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.posts import posting
from services.posts.posting import Claim, PublishedPost


async def claim(session: AsyncSession, *, owner: str, lease: timedelta) -> Claim | None:
    """Claim the post with the earliest due time, or return None if no post is due."""
    claims = await posting.claim_due(session, owner=owner, lease=lease, limit=1)
    return next(iter(claims), None)


async def may_send(session: AsyncSession, claim: Claim) -> bool:
    """Return whether the owner of this claim may begin the send now."""
    return claim.job_id in await posting.begin_sends(session, [claim])


async def record_published(session: AsyncSession, claim: Claim, *, message_id: int) -> bool:
    """Record that a post is published, or return False if the claim is not valid."""
    recorded = await posting.record_published(session, [PublishedPost(claim, message_id)])
    return claim.job_id in recorded
