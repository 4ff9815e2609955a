"""Limit the pending placements for which an advertiser has no money.

Each pending placement is a card that the admins have to read. A placement without its money cannot
be approved, so cards of such placements would only delay the cards of others.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from services.money import wallets
from services.platform import errors

MAX_UNFUNDED = 10
"""From this number on, one more pending placement needs the money for itself and all others."""


async def require_room(session: AsyncSession, *, advertiser_id: int, price: int) -> None:
    """Refuse a new pending placement if the advertiser has many and lacks the money for all.

    `price` is the price of the new placement in minor units. Takes an advisory lock of the
    advertiser, so that placements of several campaigns are counted one after the other. Raises
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
