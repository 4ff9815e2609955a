"""Run periodic maintenance: rescue posts, refund stuck escrows, check the ledger and clean up.

An escrow is the held money of one placement. A placement is the purchase of a post in a channel.
"""

from datetime import timedelta

import structlog

from bot import switches
from db.session import Sessions
from services.market import placement_expiry, staff_requests, submission_cards
from services.money import correction_expiry, incidents, stuck_escrows
from services.platform import hanging_sessions, inbox, killswitches, outbox
from services.posts import rescue

PROPOSALS = 100
"""One tick drops at most this many open staff requests, and at most this many open corrections."""

log = structlog.get_logger(__name__)


async def rescue_abandoned(sessions: Sessions, lease: timedelta | None = None) -> None:
    """Take up claimed posts whose lease has ended, and make wrongly delayed messages due now.

    A process claimed such a post but did not finish it. If its send had not begun, the post is
    queued again. If the send had begun, nobody knows whether the ad is published, so the post
    becomes uncertain. `lease` is the length of a lease. If the database's clock was set back, some
    outbox messages have due times that are too late. These messages become due now.
    """
    async with sessions.begin() as session:
        rescued = await rescue.rescue_abandoned(session, lease=lease)
    async with sessions.begin() as session:
        await outbox.end_delays_of_clock_step(session)
    if rescued:
        log.warning("Abandoned posts taken up", jobs=rescued)


async def refund_stuck_escrows(sessions: Sessions, sla: timedelta) -> None:
    """Refund escrows that were held longer than `sla` for posts that were surely never published.

    While refunds or this watchdog are stopped by a kill switch, the admins are only notified.
    """
    async with sessions.begin() as session:
        await stuck_escrows.refund_stuck_escrows(session, sla=sla)


async def expire_targets(sessions: Sessions) -> None:
    """End the placements that no admin has approved or rejected in time.

    Undecided placements of cancelled campaigns are ended at once.
    """
    async with sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
    if expired:
        log.info("Placements expired", targets=expired)


async def queue_cards(sessions: Sessions) -> None:
    """Queue the cards of pending placements that had to wait for older ones of the advertiser."""
    async with sessions.begin() as session:
        await submission_cards.queue_due(session)


async def cancel_unwanted(sessions: Sessions) -> None:
    """Cancel the queued posts of blocked advertisers and of cancelled campaigns."""
    async with sessions.begin() as session:
        cancelled = await rescue.cancel_unwanted(session)
    if cancelled:
        log.info("Posts cancelled", jobs=cancelled)


async def drop_ended_proposals(sessions: Sessions) -> None:
    """Drop open staff requests and corrections that are too old or whose proposer lost the role."""
    async with sessions.begin() as session:
        dropped = await staff_requests.drop_ended(session, limit=PROPOSALS)
        dropped += await correction_expiry.drop_ended(session, limit=PROPOSALS)
    if dropped:
        log.info("Proposals dropped", proposals=dropped)


async def check_ledger(sessions: Sessions) -> None:
    """Check the invariants of the ledger (the rules that must always hold for its rows).

    If one is violated, an incident is opened, and all movements of money are stopped.
    """
    async with sessions.begin() as session:
        await incidents.check_ledger_invariant(session)


async def settle_stops(sessions: Sessions) -> None:
    """Settle the stops of kill switches that are not settled yet.

    A stop refuses new actions at once. It is settled when the actions that were under way have
    ended. Whoever stops a switch usually waits for this. But a stop by an incident does not wait,
    and a program may crash while it waits. Each switch has a transaction of its own, so that a stop
    that cannot be settled delays no other.
    """
    async with sessions.begin() as session:
        stops = await killswitches.list_unsettled(session)
    for stop in stops:
        change = await switches.settle_stop(sessions, stop)
        log.warning("Stop of a switch", switch=stop.key.value, settled=change.settled)


async def end_hanging_sessions(sessions: Sessions) -> None:
    """End the sessions of the application whose transactions hang, with or without locks."""
    async with sessions.begin() as session:
        ended = await hanging_sessions.end(session)
    if ended:
        log.error("Hanging sessions ended", sessions=ended)


async def purge_inbox(sessions: Sessions) -> None:
    """Delete updates that were handled or parked (kept and not tried again) long ago.

    Parked payments are never deleted.
    """
    async with sessions.begin() as session:
        await inbox.purge(session)
