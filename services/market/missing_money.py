"""Tell an advertiser which money keeps a placement from its approval."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import TargetStatus
from services.market import moderation
from services.money import wallets
from services.platform import outbox


async def notify_missing_funds(session: AsyncSession, *, target_id: int) -> None:
    """Notify an advertiser that money is missing for a pending placement.

    The same missing amount is reported once.
    """
    placement = await moderation.get_details(session, target_id=target_id)
    missing = placement.price - placement.advertiser_balance
    if placement.status != TargetStatus.PENDING or missing <= 0:
        return
    await outbox.add(
        session,
        user_id=placement.advertiser_id,
        kind="funds_missing",
        payload={"target_id": target_id, "missing": missing},
        key=f"funds_missing:{target_id}:{missing}",
    )


async def notify_open_loss(session: AsyncSession, *, target_id: int) -> None:
    """Notify an advertiser that a pending placement waits until the advertiser's loss is repaid.

    The loss is what the advertiser owes to the platform. It is reported once, also for several
    placements, and again only after its amount has changed.
    """
    placement = await moderation.get_details(session, target_id=target_id)
    loss = await wallets.find_loss(session, placement.advertiser_id)
    if placement.status != TargetStatus.PENDING or loss is None or loss.balance >= 0:
        return
    missing = placement.price - loss.balance - placement.advertiser_balance
    await outbox.add(
        session,
        user_id=placement.advertiser_id,
        kind="loss_open",
        payload={"target_id": target_id, "loss": -loss.balance, "missing": max(0, missing)},
        key=f"loss_open:{placement.advertiser_id}:{loss.version}",
    )
