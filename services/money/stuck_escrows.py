"""Refund escrows (money that is held for a post) if the post is not published in time."""

from datetime import timedelta

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget
from db.models.money import Escrow, EscrowStatus
from db.models.operations import Switch
from db.models.posting import PostJob, PostJobStatus
from services.money import escrow
from services.platform import killswitches, outbox

BATCH = 100
ESCROW_SLA = timedelta(hours=24)
"""The time for which an escrow can hold money without a published post."""
NOT_IN_TIME = "not posted in time"
"""The error of a post that waited too long. The staff's screens translate it."""
log = structlog.get_logger()


async def refund_stuck_escrows(session: AsyncSession, *, sla: timedelta = ESCROW_SLA) -> int:
    """Refund escrows that hold money for longer than `sla` without a post. Return their number.

    The time counts from the hold, or from `queries.publish_time` if that is later. A queued post
    job is marked as failed. An escrow whose job is `sending` or `uncertain`, or waits for a search,
    stays held. If the kill switch `refunds` or `worker_watchdogs` is stopped, the escrows are
    counted but not refunded. Locks the switches, then each placement, its post job and its escrow.
    """
    switches = (Switch.REFUNDS, Switch.WORKER_WATCHDOGS)
    await killswitches.lock(session, *switches)
    acting = await killswitches.are_running(session, *switches)
    stuck = (
        select(CampaignTarget.id, Campaign.advertiser_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .where(
            Escrow.status == EscrowStatus.HELD,
            Escrow.created_at < func.clock() - sla,
            func.greatest(Escrow.created_at, queries.publish_time()) < func.clock() - sla,
            or_(
                PostJob.id.is_(None),
                (PostJob.status == PostJobStatus.QUEUED) & PostJob.search_above.is_(None),
            ),
        )
        .order_by(CampaignTarget.id)
        .limit(BATCH)
    )
    if acting:
        stuck = stuck.with_for_update(of=CampaignTarget, skip_locked=True)
    rows = (await session.execute(stuck)).all()
    targets = [target_id for target_id, _ in rows]
    if not targets:
        return 0
    log.warning("[CRON] Escrow watchdog triggered", stuck=len(targets), acting=acting)
    if acting:
        # Every transaction that moves money of several people takes the people in the order of
        # their ids. Therefore two such transactions cannot wait for each other's wallets.
        for target_id, _ in sorted(rows, key=lambda row: (row.advertiser_id, row.id)):
            await _fail_and_refund(session, target_id)
    await outbox.add(
        session,
        user_id=None,
        kind="escrow_watchdog",
        payload={"count": len(targets), "acting": acting, "targets": list(targets)},
        key=f"escrow_watchdog:{acting}:{targets[0]}:{targets[-1]}:{len(targets)}",
    )
    return len(targets)


async def _fail_and_refund(session: AsyncSession, target_id: int) -> None:
    """Refund the escrow of a placement, and mark a queued post job as failed."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.escrow is None:
        return
    if placement.escrow.status is not EscrowStatus.HELD:
        return
    if placement.job is not None:
        is_searched_first = placement.job.search_above is not None
        if placement.job.status is not PostJobStatus.QUEUED or is_searched_first:
            return
        placement.job.status = PostJobStatus.FAILED
        placement.job.last_error = NOT_IN_TIME
        placement.job.updated_at = await queries.now(session)
        await session.flush()
    await escrow.refund_locked(session, placement, placement.escrow)
