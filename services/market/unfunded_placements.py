"""Limit how many pending placements an advertiser may have without the money for them.

For each pending placement, the admins have to read a message in the admin chat. A placement cannot
be approved without its money, so messages about such placements would only delay the others.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from services.money import wallets
from services.platform import errors

MAX_UNFUNDED = 10
"""With this many pending placements, a new one needs the money for all of them and for itself."""


async def require_room(session: AsyncSession, *, advertiser_id: int, price: int) -> None:
    """Refuse a new placement if the advertiser has many pending ones and lacks the money for all.

    "Many" means at least MAX_UNFUNDED. `price` is the price of the new placement in minor units.
    Takes an advisory lock of the advertiser, so that simultaneous calls for several campaigns count
    one after the other. Raises InsufficientFunds.
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
