"""Require the money for a placement and for all pending ones when a placement is submitted."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from services.money import wallets
from services.platform import errors


async def reserved(session: AsyncSession, advertiser_id: int) -> int:
    """Return the price of all placements of an advertiser that wait without an escrow."""
    total = await session.scalar(
        select(func.coalesce(func.sum(CampaignTarget.price), 0))
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            Campaign.advertiser_id == advertiser_id,
            CampaignTarget.status == TargetStatus.PENDING,
            ~queries.has_escrow(),
        )
    )
    return int(total or 0)


async def require(session: AsyncSession, *, advertiser_id: int, price: int) -> None:
    """Refuse a new placement if the advertiser lacks the money for all pending placements.

    `price` is that of the new placement, in minor units. Takes an advisory lock on the advertiser's
    pending placements. Raises InsufficientFunds.
    """
    await queries.lock_key(session, f"pending placements of {advertiser_id}")
    total = await reserved(session, advertiser_id)
    wallet = await wallets.of_user(session, advertiser_id)
    needed = total + price
    if needed > wallet.balance:
        raise errors.InsufficientFunds(advertiser_id, needed, wallet.balance, wallet.currency)
