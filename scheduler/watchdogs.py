"""Run periodic maintenance: rescue posts, refund stuck escrows, check the ledger and clean up.

An escrow is the held money of one placement. An escrow is stuck if it is held for too long. A
placement is the purchase of a post in a channel.
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
"""One tick refuses at most this many open staff requests and this many open corrections."""

log = structlog.get_logger(__name__)


async def rescue_abandoned(sessions: Sessions, lease: timedelta | None = None) -> None:
    """End the claims of posts that a process did not finish, and correct wrong due times.

    A claim ends with its lease, and `lease` is the length of a lease. If the send of the post had
    not begun, the post is queued again. If the send had begun, the post becomes uncertain, because
    nobody knows whether the ad is published. If the database's clock was set back, some messages of
    the outbox have due times that are too late. These messages become due now.
    """
    async with sessions.begin() as session:
        rescued = await rescue.rescue_abandoned(session, lease=lease)
    async with sessions.begin() as session:
        await outbox.end_delays_of_clock_step(session)
    if rescued:
        log.warning("Abandoned posts taken up", jobs=rescued)


async def refund_stuck_escrows(sessions: Sessions, sla: timedelta) -> None:
    """Refund escrows that were held longer than `sla` for posts that were certainly not published.

    If refunds or this function are stopped by a kill switch, the admins are only notified.
    """
    async with sessions.begin() as session:
        await stuck_escrows.refund_stuck_escrows(session, sla=sla)


async def expire_targets(sessions: Sessions) -> None:
    """End the placements that no admin has approved or rejected in time.

    Undecided placements of cancelled campaigns are withdrawn immediately.
    """
    async with sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
    if expired:
        log.info("Placements expired", targets=expired)


async def queue_cards(sessions: Sessions) -> None:
    """Queue the cards of pending placements that have waited for a card and may have one now.

    A card is a message with buttons in the admin chat.
    """
    async with sessions.begin() as session:
        await submission_cards.queue_due(session)


async def cancel_unwanted(sessions: Sessions) -> None:
    """Cancel the queued posts of blocked advertisers and of cancelled campaigns."""
    async with sessions.begin() as session:
        cancelled = await rescue.cancel_unwanted(session)
    if cancelled:
        log.info("Posts cancelled", jobs=cancelled)


async def drop_ended_proposals(sessions: Sessions) -> None:
    """Refuse open staff requests and open corrections that are too old.

    They are also refused if the person who proposed them has lost the role.
    """
    async with sessions.begin() as session:
        dropped = await staff_requests.drop_ended(session, limit=PROPOSALS)
        dropped += await correction_expiry.drop_ended(session, limit=PROPOSALS)
    if dropped:
        log.info("Proposals dropped", proposals=dropped)


async def check_ledger(sessions: Sessions) -> None:
    """Check the invariants of the ledger (the rules that must always hold for its rows).

    If a rule is violated, an incident is opened, and the kill switches for money are stopped: no
    new escrow, payout, refund or withdrawal can begin.
    """
    async with sessions.begin() as session:
        await incidents.check_ledger_invariant(session)


async def settle_stops(sessions: Sessions) -> None:
    """Settle the stops of kill switches that are not settled yet.

    A kill switch allows or forbids one kind of action. A stop refuses new actions immediately, but
    earlier actions can be under way. The stop is settled when these earlier actions have ended. The
    program that stops a switch usually waits for this. A stop by an incident is settled only here.
    A stop is also settled here if its program has crashed. Each switch has a transaction of its
    own. Therefore a stop that cannot be settled delays no other stop.
    """
    async with sessions.begin() as session:
        stops = await killswitches.list_unsettled(session)
    for stop in stops:
        change = await switches.settle_stop(sessions, stop)
        log.warning("Stop of a switch", switch=stop.key.value, settled=change.settled)


async def end_hanging_sessions(sessions: Sessions) -> None:
    """End the application's database sessions whose transactions hang, with or without locks."""
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
