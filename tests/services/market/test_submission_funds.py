"""Test that a submission asks for the money of all pending placements."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from services.market import campaigns
from services.money import escrow, invariants
from services.platform import errors
from tests.factories import people, rows


async def _submit(session: AsyncSession, made: people.Deal) -> CampaignTarget:
    """Submit a placement in a new campaign of the same advertiser."""
    bought = await people.campaign(session, made.advertiser)
    return await campaigns.submit_target(
        session,
        actor=made.advertiser,
        campaign_id=bought.id,
        channel_id=made.channel.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )


async def test_a_placement_without_money_is_refused(session: AsyncSession) -> None:
    made = await people.deal(session, balance=people.PRICE)
    await campaigns.withdraw_target(session, actor=made.advertiser, target_id=made.target.id)
    await _submit(session, made)
    before = await rows.snapshot(session)
    for _ in range(3):
        with pytest.raises(errors.InsufficientFunds) as refused:
            async with session.begin_nested():
                await _submit(session, made)
    assert (refused.value.needed, refused.value.balance) == (2 * people.PRICE, people.PRICE)
    assert rows.grown(before, await rows.snapshot(session)) == {}


@pytest.mark.parametrize("missing", [0, 1])
async def test_the_money_covers_all_pending_placements(session: AsyncSession, missing: int) -> None:
    made = await people.deal(session, balance=3 * people.PRICE - missing)
    await _submit(session, made)
    if not missing:
        await _submit(session, made)
        return
    with pytest.raises(errors.InsufficientFunds):
        async with session.begin_nested():
            await _submit(session, made)


async def test_a_price_that_is_held_already_is_not_asked_for_again(session: AsyncSession) -> None:
    made = await people.deal(session, balance=2 * people.PRICE)
    await escrow.hold(session, target_id=made.target.id)
    await _submit(session, made)
    assert await invariants.run(session) == []


async def test_the_placements_of_other_advertisers_do_not_count(session: AsyncSession) -> None:
    made = await people.deal(session, balance=2 * people.PRICE)
    await people.deal(session)
    await _submit(session, made)
