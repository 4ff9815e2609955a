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
"""How many escrows one run refunds at most."""
ESCROW_SLA = timedelta(hours=24)
"""An escrow can hold money for this time if its post is not published."""
log = structlog.get_logger()


async def refund_stuck_escrows(session: AsyncSession, *, sla: timedelta = ESCROW_SLA) -> int:
    """Refund escrows that hold money for longer than `sla` without a post. Return their number.

    The time counts from the hold or from `publish_at`, whichever is later. An escrow is refunded if
    it has no post job, or if its post job is queued. The queued job is marked as failed. If a job
    is `sending` or `uncertain`, nothing changes, because the post can already be in the channel. If
    the kill switch `refunds` or `worker_watchdogs` is stopped, nothing is refunded, but the escrows
    are counted. If any escrow was found, the admin chat gets a message with the number. Locks the
    kill switches, then each placement, its post job and its escrow.
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
            func.greatest(Escrow.created_at, CampaignTarget.publish_at) < func.clock() - sla,
            or_(PostJob.id.is_(None), PostJob.status == PostJobStatus.QUEUED),
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
    """Refund the escrow of a placement. If it has a queued post job, mark this job as failed.

    If a worker has claimed the job, or if the escrow is not held, nothing changes. Locks the
    placement, its post job, its escrow, then the wallets.
    """
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.escrow is None:
        return
    if placement.escrow.status is not EscrowStatus.HELD:
        return
    if placement.job is not None:
        if placement.job.status is not PostJobStatus.QUEUED:
            return
        placement.job.status = PostJobStatus.FAILED
        placement.job.last_error = "not posted in time"
        placement.job.updated_at = await queries.now(session)
        await session.flush()
    await escrow.refund_locked(session, placement, placement.escrow)
