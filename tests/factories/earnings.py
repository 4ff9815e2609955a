"""Let the owner of a channel earn money."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.money import STARS
from services.market import campaigns, moderation
from services.money import escrow
from services.platform.actors import Actor
from tests.factories import one_post, people

PAYOUT = 4_500
"""The payout of a placement that costs people.PRICE, in minor units."""


async def earn(session: AsyncSession, owner: Actor, *, currency: str = STARS) -> None:
    """Sell and publish a placement in a new channel of an owner, and pay PAYOUT to the owner."""
    advertiser = await people.person(session, balance=people.PRICE, currency=currency)
    place = await people.channel(session, owner, promised_hours=0)
    bought = await people.campaign(session, advertiser, budget=people.PRICE)
    target = await campaigns.submit_target(
        session,
        actor=advertiser,
        campaign_id=bought.id,
        channel_id=place.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )
    admin = await people.staff(session)
    await moderation.approve(session, actor=admin, target_id=target.id)
    claim = await people.claimed(session)
    assert claim.target_id == target.id
    assert await one_post.record_published(session, claim, message_id=10)
    await escrow.release(session, target_id=target.id)
    await people.commit(session)
