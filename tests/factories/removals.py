"""Let owners remove posts of their channels early."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import Verdict
from services.money import escrow
from services.posts import verification
from tests.conftest import Database
from tests.factories import one_post, people, rows

AGAIN = verification.RECHECK_INTERVAL + timedelta(seconds=1)


async def remove_early(database: Database, deal: people.Deal, count: int) -> list[int]:
    """Publish `count` more posts of a deal, and find each removed and refund it. Return the ids."""
    target_ids = []
    for _ in range(count):
        async with database.sessions.begin() as session:
            target = await people.another(session, deal)
            claim = await people.claimed(session)
            assert claim.target_id == target.id
            assert await one_post.record_published(session, claim, message_id=people.number())
        target_ids.append(target.id)
    for _ in range(2):
        async with database.sessions.begin() as session:
            for target_id in target_ids:
                await _miss(session, target_id)
        await database.forward(AGAIN)
    async with database.sessions.begin() as session:
        for target_id in target_ids:
            await escrow.refund(session, target_id=target_id)
    return target_ids


async def _miss(session: AsyncSession, target_id: int) -> None:
    job = "SELECT id FROM post_jobs WHERE campaign_target_id = :id"
    job_id = await rows.one(session, job, id=target_id)
    await verification.record_check(
        session, job_id=job_id, verdict=Verdict.GONE, evidence="not found"
    )
