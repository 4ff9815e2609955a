"""Run periodic maintenance: rescue posts, refund stuck escrows, check the ledger."""

from datetime import timedelta

import structlog

from bot import readiness, switches
from db.session import Sessions
from scheduler import error_isolation
from services.market import (
    complaints,
    early_removals,
    link_clicks,
    placement_expiry,
    staff_requests,
    submission_cards,
)
from services.money import correction_expiry, incidents, stuck_escrows
from services.platform import daily_report, guards, hanging_sessions, killswitches, outbox
from services.posts import clock_steps, late_posts, rescue

PROPOSALS = 100
"""One tick refuses at most this many staff requests, and as many corrections.

It also ends a step of at most as many complaints.
"""
LEDGER_CHECK_SECONDS = 30.0
"""The interval of the scheduled check of the ledger."""

log = structlog.get_logger(__name__)


async def rescue_abandoned(sessions: Sessions, lease: timedelta | None = None) -> None:
    """End the claims of posts that a process did not finish, and correct wrong due times.

    `lease` is the length of a claim. If the send had begun, the post becomes uncertain. If not, the
    post is queued again.
    """
    async with sessions.begin() as session:
        rescued = await rescue.rescue_abandoned(session, lease=lease)
    async with sessions.begin() as session:
        await outbox.end_delays_of_clock_step(session)
        await clock_steps.end_delays(session)
    if rescued:
        log.warning("Abandoned posts taken up", jobs=rescued)


async def refund_stuck_escrows(sessions: Sessions, sla: timedelta) -> None:
    """Refund escrows that were held longer than `sla` for posts that were certainly not published.

    If a kill switch forbids this, the admins are only notified.
    """
    async with sessions.begin() as session:
        await stuck_escrows.refund_stuck_escrows(session, sla=sla)


async def expire_targets(sessions: Sessions) -> None:
    """End the placements that no admin has decided in time or whose campaign is cancelled."""
    async with sessions.begin() as session:
        expired = await placement_expiry.expire_targets(session)
    if expired:
        log.info("Placements expired", targets=expired)


async def count_channel_clicks(sessions: Sessions) -> None:
    """Count what ads have brought in each channel, for the catalogue."""
    async with sessions.begin() as session:
        await link_clicks.count_channels(session)


async def suspend_after_removals(sessions: Sessions) -> None:
    """Take channels off the market whose owners removed three posts early, until the staff look."""
    async with sessions.begin() as session:
        suspended = await early_removals.suspend_due(session)
    if suspended:
        log.warning("Channels suspended after early removals", channels=suspended)


async def queue_cards(sessions: Sessions) -> None:
    """Queue the cards (messages with buttons) of pending placements that may have one now."""
    async with sessions.begin() as session:
        await submission_cards.queue_due(session)


async def cancel_unwanted(sessions: Sessions) -> None:
    """Cancel the queued posts that nobody wants, and tell people about late ones that wait."""
    async with sessions.begin() as session:
        cancelled = await rescue.cancel_unwanted(session)
    async with sessions.begin() as session:
        await late_posts.notify(session, limit=rescue.BATCH)
    if cancelled:
        log.info("Posts cancelled", jobs=cancelled)


async def drop_ended_proposals(sessions: Sessions) -> None:
    """Refuse staff requests and corrections that are too old or whose people lost their role."""
    async with sessions.begin() as session:
        dropped = await staff_requests.drop_ended(session, limit=PROPOSALS)
        dropped += await correction_expiry.drop_ended(session, limit=PROPOSALS)
    if dropped:
        log.info("Proposals dropped", proposals=dropped)


async def end_complaint_steps(sessions: Sessions, staff_time: timedelta) -> None:
    """End the steps of complaints whose time is over, each in a transaction of its own.

    `staff_time` is how long the staff have for a decision.
    """
    async with sessions.begin() as session:
        due = await complaints.list_due(session, limit=PROPOSALS)
    for complaint_id in due:
        with error_isolation.isolate_errors("complaint", complaint_id=complaint_id):
            async with sessions.begin() as session:
                await complaints.end_step(session, complaint_id=complaint_id, staff_time=staff_time)


async def check_ledger(sessions: Sessions) -> None:
    """Check the rules of the ledger.

    A violation forbids new escrows, payouts, refunds, withdrawals and adjustments.
    """
    async with sessions.begin() as session:
        await incidents.check_ledger_invariant(session)


async def check_guards(sessions: Sessions) -> None:
    """Compare the guards of the database with the release, and open incidents about differences.

    If a guard of money differs, new holds, payouts, refunds, withdrawals and adjustments are
    stopped.
    """
    async with sessions.begin() as session:
        differences = await guards.compare(session)
        await guards.record(session, differences)
    if differences:
        log.error("Guards of the database differ", guards=[str(each) for each in differences])


async def settle_stops(sessions: Sessions) -> None:
    """Mark stopped kill switches as settled when no earlier action is under way.

    Ends the sessions whose locks of whole tables delay this. Each switch has a transaction of its
    own.
    """
    async with sessions.begin() as session:
        stops = await killswitches.list_unsettled(session)
    for stop in stops:
        change = await switches.settle_despite_locks(sessions, stop)
        log.warning("Stop of a switch", switch=stop.key.value, settled=change.settled)


async def end_hanging_sessions(sessions: Sessions) -> None:
    """End the application's database sessions whose transactions hang."""
    async with sessions.begin() as session:
        ended = await hanging_sessions.end(session)
    if ended:
        log.error("Hanging sessions ended", sessions=ended)


async def queue_daily_report(sessions: Sessions, hour: int, sla: timedelta) -> None:
    """Queue the daily report for the admin chat once a day, from `hour` (UTC) on.

    `sla` is how long an escrow may hold money without a published post.
    """
    async with sessions.begin() as session:
        await daily_report.queue(session, hour=hour, sla=sla, revision=readiness.REVISION)
