"""Create uncertain posts for tests, and read their state."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.market import newest_messages
from services.posts import posting, uncertain_posts
from tests.factories import one_post, people, rows

KNOWN = 7


async def uncertain(session: AsyncSession, **terms: Any) -> people.Deal:
    """Create a placement with a post that Telegram may have published."""
    made = await people.approved(session, **terms)
    await newest_messages.record(session, chat_id=made.channel.chat_id, message_id=KNOWN)
    claim = await people.claimed(session)
    assert await one_post.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await people.commit(session)
    return made


async def claim_uncertain_post(session: AsyncSession) -> uncertain_posts.UncertainPost:
    [uncertain_post] = await uncertain_posts.claim_due(session, limit=9)
    return uncertain_post


async def state(session: AsyncSession) -> tuple[str, str, str]:
    [found] = await rows.table(
        session,
        "SELECT j.status, e.status, t.status FROM post_jobs j"
        " JOIN campaign_targets t ON t.id = j.campaign_target_id"
        " JOIN escrows e ON e.campaign_target_id = t.id",
    )
    return found[0], found[1], found[2]


async def count_cards(session: AsyncSession, kind: str) -> int:
    count: int = await rows.one(
        session, "SELECT count(*) FROM outbox WHERE kind = :kind AND user_id IS NULL", kind=kind
    )
    return count
