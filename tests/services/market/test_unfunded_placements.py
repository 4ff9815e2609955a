"""Test that an advertiser without money cannot submit many placements."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from services.market import campaigns, unfunded_placements
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


async def test_sixty_placements_without_money_give_few_cards(session: AsyncSession) -> None:
    made = await people.deal(session, balance=0)
    for _ in range(unfunded_placements.MAX_UNFUNDED - 1):
        await _submit(session, made)
    before = await rows.snapshot(session)
    for _ in range(50):
        with pytest.raises(errors.InsufficientFunds) as refused:
            async with session.begin_nested():
                await _submit(session, made)
    assert refused.value.needed == (unfunded_placements.MAX_UNFUNDED + 1) * people.PRICE
    assert refused.value.balance == 0
    assert rows.grown(before, await rows.snapshot(session)) == {}


async def test_money_for_all_placements_lifts_the_limit(session: AsyncSession) -> None:
    limit = unfunded_placements.MAX_UNFUNDED
    made = await people.deal(session, balance=(limit + 1) * people.PRICE)
    for _ in range(limit):
        await _submit(session, made)
    with pytest.raises(errors.InsufficientFunds):
        async with session.begin_nested():
            await _submit(session, made)


async def test_the_placements_of_other_advertisers_do_not_count(session: AsyncSession) -> None:
    made = await people.deal(session, balance=0)
    for _ in range(unfunded_placements.MAX_UNFUNDED - 1):
        await _submit(session, made)
    await people.deal(session, balance=0)
