"""Ticks that look after what stands still: abandoned leases, stuck escrows, the ledger."""

from datetime import timedelta

import structlog

from db.session import Sessions
from services.market import placement_expiry
from services.money import incidents, stuck_escrows
from services.platform import inbox
from services.posts import rescue

log = structlog.get_logger(__name__)


async def rescue_abandoned(sessions: Sessions) -> None:
    """Tick: posts whose worker died are queued again, or uncertain if it had begun to send."""
    async with sessions.begin() as session:
        rescued = await rescue.rescue_abandoned(session)
    if rescued:
        log.warning("Abandoned posts taken up", jobs=rescued)


async def refund_stuck_escrows(sessions: Sessions, sla: timedelta) -> None:
    """Tick: money held for a post that never went out goes back after the SLA."""
    async with sessions.begin() as session:
        await stuck_escrows.refund_stuck_escrows(session, sla=sla)


async def expire_targets(sessions: Sessions) -> None:
    """Tick: placements that nobody decided about in time expire."""
    async with sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
    if expired:
        log.info("Placements expired", targets=expired)


async def cancel_unwanted(sessions: Sessions) -> None:
    """Tick: posts of blocked advertisers and of cancelled campaigns do not wait for ever."""
    async with sessions.begin() as session:
        cancelled = await rescue.cancel_unwanted(session)
    if cancelled:
        log.info("Posts cancelled", jobs=cancelled)


async def check_ledger(sessions: Sessions) -> None:
    """Tick: runs the invariants; a broken one freezes the money by itself."""
    async with sessions.begin() as session:
        await incidents.check_ledger_invariant(session)


async def purge_inbox(sessions: Sessions) -> None:
    """Tick: drops updates that were handled long ago."""
    async with sessions.begin() as session:
        await inbox.purge(session)
