"""Limit the pending placements that an advertiser cannot pay."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from services.money import wallets
from services.platform import errors

MAX_UNFUNDED = 10
"""With this many pending placements, an advertiser needs the money for all of them."""


async def require_room(session: AsyncSession, *, advertiser_id: int, price: int) -> None:
    """Refuse a new placement if the advertiser lacks the money for all pending placements.

    An advertiser with fewer than MAX_UNFUNDED pending placements is never refused. `price` is in
    minor units. Takes an advisory lock on the advertiser's pending placements. Raises
    InsufficientFunds.
    """
    await queries.lock_key(session, f"pending placements of {advertiser_id}")
    count, total = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(CampaignTarget.price), 0))
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .where(
                Campaign.advertiser_id == advertiser_id,
                CampaignTarget.status == TargetStatus.PENDING,
            )
        )
    ).one()
    if count < MAX_UNFUNDED:
        return
    wallet = await wallets.of_user(session, advertiser_id)
    needed = int(total) + price
    if needed > wallet.balance:
        raise errors.InsufficientFunds(advertiser_id, needed, wallet.balance, wallet.currency)
