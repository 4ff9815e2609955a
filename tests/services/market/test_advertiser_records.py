"""Test what owners read about an advertiser who asks them."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import advertiser_records, cancellations
from services.money import escrow
from tests.factories import people


async def test_placements_that_were_kept_are_counted(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=0)
    advertiser_id = made.advertiser.user_id or 0
    assert await advertiser_records.read(session, advertiser_id) == (0, 0, 1)
    await escrow.release(session, target_id=made.target.id)
    assert await advertiser_records.read(session, advertiser_id) == (1, 0, 1)


async def test_cancellations_are_counted(session: AsyncSession) -> None:
    at = await queries.now(session) + timedelta(days=2)
    made = await people.approved(session, publish_at=at)
    advertiser_id = made.advertiser.user_id or 0
    await people.another(session, made)
    await people.another(session, made, decide=False)
    assert await advertiser_records.read(session, advertiser_id) == (0, 0, 2)
    await cancellations.cancel(
        session, actor=made.advertiser, target_id=made.target.id, reason="plans"
    )
    assert await advertiser_records.read(session, advertiser_id) == (0, 1, 2)
    assert await advertiser_records.read(session, made.owner.user_id or 0) == (0, 0, 0)
