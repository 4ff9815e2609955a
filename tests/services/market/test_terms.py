"""Test how a price is divided between the owner and the platform."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import terms
from tests.factories import people, rows


@pytest.mark.parametrize(
    ("price", "fee_bps"), [(1, 9_999), (9_999, 1), (10_001, 1_000), (333, 3_333), (5_000, 0)]
)
async def test_an_owner_reads_the_fee_that_the_hold_takes(
    session: AsyncSession, price: int, fee_bps: int
) -> None:
    made = await people.approved(session, price=price, fee_bps=fee_bps)
    held = await rows.one(
        session, "SELECT fee FROM escrows WHERE campaign_target_id = :id", id=made.target.id
    )
    assert terms.share(price, fee_bps) == (price - held, held)
