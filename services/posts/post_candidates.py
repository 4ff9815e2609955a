"""Say which messages of a channel can be an uncertain post, before an admin names them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import PostJob
from services.platform import errors
from services.posts import uncertain_posts


async def is_candidate(session: AsyncSession, *, target_id: int, message_id: int) -> bool:
    """Return whether a message id can be the id of an uncertain post.

    The id must be above all ids that were known before the send, and must belong to no other post.
    """
    job_id = await session.scalar(
        select(PostJob.id).where(
            PostJob.campaign_target_id == target_id,
            func.coalesce(PostJob.known_message_id, 0) < message_id,
            ~uncertain_posts.is_of_another_post(message_id, channel_id=PostJob.channel_id),
        )
    )
    return job_id is not None


async def require(session: AsyncSession, target_id: int, message_ids: Sequence[int]) -> None:
    """Raise PostNotProven unless each id can be one of an uncertain post."""
    for message_id in message_ids:
        if not await is_candidate(session, target_id=target_id, message_id=message_id):
            raise errors.PostNotProven(target_id, "another_post")


def stated_ids(message_id: int, ad: Mapping[str, Any]) -> Sequence[int]:
    """Return the ids of a post's messages if its first one has the id `message_id`.

    `ad` is the stored ad. The messages of an album have successive ids.
    """
    return range(message_id, message_id + len(ad.get("items") or "-"))
