"""Handle a single post with services that can handle many posts at the same time."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.posts import posting
from services.posts.posting import Claim, PublishedPost


async def claim(session: AsyncSession, *, owner: str, lease: timedelta) -> Claim | None:
    """Claim the post with the earliest due time. Return None if no post is due.

    A claim is the exclusive right of one process to send the post.
    """
    claims = await posting.claim_due(session, owner=owner, lease=lease, limit=1)
    return next(iter(claims), None)


async def may_send(session: AsyncSession, claim: Claim) -> bool:
    """Return whether the owner of this claim is allowed to begin the send now.

    A claim is the exclusive right of one process to send a post.
    """
    return claim.job_id in await posting.begin_sends(session, [claim])


async def record_published(session: AsyncSession, claim: Claim, *, message_id: int) -> bool:
    """Record that a post is published, and return True.

    A claim is the exclusive right of one process to send a post. If the claim is not valid any
    more, record nothing and return False.
    """
    recorded = await posting.record_published(session, [PublishedPost(claim, message_id)])
    return claim.job_id in recorded
