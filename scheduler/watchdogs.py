"""Run periodic maintenance: rescue posts, refund stuck escrows, check the ledger and clean up."""

from datetime import timedelta

import structlog

from bot import switches
from db.session import Sessions
from services.market import placement_expiry, staff_requests
from services.money import correction_expiry, incidents, stuck_escrows
from services.platform import hanging_sessions, inbox, killswitches, outbox
from services.posts import rescue

PROPOSALS = 100
"""How many open requests and corrections one tick looks at."""

log = structlog.get_logger(__name__)


async def rescue_abandoned(sessions: Sessions, lease: timedelta | None = None) -> None:
    """Queue the posts of dead processes again, or make them uncertain if their sends had begun.

    `lease` is the length of a claim. Outbox messages that would wait too long, because the
    database's clock was set back, become due too.
    """
    async with sessions.begin() as session:
        rescued = await rescue.rescue_abandoned(session, lease=lease)
    async with sessions.begin() as session:
        await outbox.end_delays_of_clock_step(session)
    if rescued:
        log.warning("Abandoned posts taken up", jobs=rescued)


async def refund_stuck_escrows(sessions: Sessions, sla: timedelta) -> None:
    """Refund escrows that were held longer than `sla` for posts that were never published."""
    async with sessions.begin() as session:
        await stuck_escrows.refund_stuck_escrows(session, sla=sla)


async def expire_targets(sessions: Sessions) -> None:
    """Expire the placements on which no admin decided in time."""
    async with sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
    if expired:
        log.info("Placements expired", targets=expired)


async def cancel_unwanted(sessions: Sessions) -> None:
    """Cancel the queued posts of blocked advertisers and of cancelled campaigns."""
    async with sessions.begin() as session:
        cancelled = await rescue.cancel_unwanted(session)
    if cancelled:
        log.info("Posts cancelled", jobs=cancelled)


async def drop_ended_proposals(sessions: Sessions) -> None:
    """Drop the staff's proposals that are too old or whose proposer has no role any more."""
    async with sessions.begin() as session:
        dropped = await staff_requests.drop_ended(session, limit=PROPOSALS)
        dropped += await correction_expiry.drop_ended(session, limit=PROPOSALS)
    if dropped:
        log.info("Proposals dropped", proposals=dropped)


async def check_ledger(sessions: Sessions) -> None:
    """Check the invariants of the ledger; if one is violated, stop the kill switches of money."""
    async with sessions.begin() as session:
        await incidents.check_ledger_invariant(session)


async def settle_stops(sessions: Sessions) -> None:
    """Settle the stops that nobody has settled: wait until no act is under way that they forbid.

    Such a stop comes from an incident, or from a program that died before it settled its stop. Each
    switch has a transaction of its own, so that a stop that cannot be settled delays no other.
    """
    async with sessions.begin() as session:
        stops = await killswitches.list_unsettled(session)
    for stop in stops:
        change = await switches.settle_stop(sessions, stop)
        log.warning("Stop of a switch", switch=stop.key.value, settled=change.settled)


async def end_hanging_sessions(sessions: Sessions) -> None:
    """End the sessions of the application whose transactions hang, whatever they hold."""
    async with sessions.begin() as session:
        ended = await hanging_sessions.end(session)
    if ended:
        log.error("Hanging sessions ended", sessions=ended)


async def purge_inbox(sessions: Sessions) -> None:
    """Delete updates that were handled or parked (kept and not tried again) long ago."""
    async with sessions.begin() as session:
        await inbox.purge(session)
