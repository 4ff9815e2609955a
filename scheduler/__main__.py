"""Start the scheduler with `python -m scheduler`.

Any number of these processes can run, and one of them is the leader.
"""

import asyncio
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from bot import (
    database_metrics,
    health_pages,
    outages,
    process_end,
    readiness,
    recent_events,
    startup_checks,
)
from bot import logging as product_logging
from bot import settings as product_settings
from bot.admin_chat import AdminChat
from bot.alert_routes import AlertRoutes
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.settings import Settings
from bot.start_errors import CannotStartError
from bot.telegram.answers import create_notice_bot
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import SEND_SECONDS, Sender
from db import session as database
from db.money import STARS
from db.session import Sessions, cause, is_away, is_refused
from scheduler import (
    alerts,
    audit_chain_tick,
    channel_reading,
    deposit_returns,
    dispatch,
    notice_delivery,
    post_checks,
    post_search,
    removals,
    retention,
    rollback_watch,
    settlements,
    star_reconciliation,
    warm_up,
    watchdogs,
)
from scheduler.breaker import Breaker
from scheduler.clock import Clock, Tick
from scheduler.dispatch import PostingWorker
from scheduler.post_search import Search
from services.platform import failure_counts, guards, heartbeats

NAME = heartbeats.SCHEDULER
LEADER_LEASE = "clock"
LEADER_TTL = timedelta(seconds=15)
"""If the leader dies, another process becomes the leader after this time."""
SEND_SHARE = 2 / 3
"""The send of a post may take this fraction of the time for which the post is claimed."""
STEP_DOWN_SECONDS = 2.0
"""A leader that stops tries for at most this time to release the leadership."""
HANG_SECONDS = 60.0
"""A tick with only short transactions hangs if it lasts longer than this."""

log = structlog.get_logger(__name__)


def ticks(
    settings: Settings,
    posting_worker: PostingWorker,
    outbox_worker: notice_delivery.OutboxWorker,
    leader: LeaderElection,
    alert_watch: alerts.AlertWatch,
) -> list[Tick]:
    """Return all ticks (pieces of periodic work) of a scheduler process."""
    sessions, sender = posting_worker.sessions, posting_worker.sender
    posts_limit = dispatch.CLAIMING_SECONDS + sender.seconds + HANG_SECONDS
    checks_limit = post_checks.max_tick_seconds(sender)
    check_posts = partial(
        post_checks.check_due_posts,
        sessions,
        sender,
        posting_worker.limiter,
        posting_worker.stopping,
    )
    read_channels = partial(
        channel_reading.read_due_channels,
        sessions,
        outbox_worker.bot,
        posting_worker.limiter,
        outbox_worker.ads_wait,
        posting_worker.stopping,
    )
    search = Search(posting_worker, settings.probe_gap, settings.admin_chat_id)
    refund_stuck = partial(watchdogs.refund_stuck_escrows, sessions, settings.escrow_sla)
    rescue = partial(watchdogs.rescue_abandoned, sessions, settings.post_lease)
    expire = partial(watchdogs.expire_targets, sessions)
    suspend_removed = partial(watchdogs.suspend_after_removals, sessions)
    count_clicks = partial(watchdogs.count_channel_clicks, sessions)
    queue_cards = partial(watchdogs.queue_cards, sessions)
    cancel = partial(watchdogs.cancel_unwanted, sessions)
    drop_ended = partial(watchdogs.drop_ended_proposals, sessions)
    end_complaints = partial(watchdogs.end_complaint_steps, sessions, settings.complaint_decision)
    end_hanging = partial(watchdogs.end_hanging_sessions, sessions)
    check_ledger = partial(watchdogs.check_ledger, sessions)
    check_guards = partial(watchdogs.check_guards, sessions)
    extend_chain = partial(audit_chain_tick.extend_audit_chain, sessions, settings.audit_chain_file)
    purge = retention.Retention(sessions, settings.retention)
    report_daily = partial(
        watchdogs.queue_daily_report, sessions, settings.daily_report_hour, settings.escrow_sla
    )
    watch_criteria = partial(
        rollback_watch.watch, sessions, settings.escrow_sla, settings.rollback_limits
    )
    store_failures = partial(failure_counts.store, sessions)
    publish = partial(dispatch.dispatch, posting_worker)
    deliver = partial(notice_delivery.deliver, outbox_worker)
    deliver_alarms = partial(notice_delivery.deliver_alarms, outbox_worker)
    find_uncertain = partial(post_search.search_due_posts, search)
    stars = star_reconciliation.StarReconciliation(
        sessions, outbox_worker.bot, outbox_worker.intake_sessions
    )
    reconcile_stars = leader.leader_only(stars.run)
    give_back = partial(
        deposit_returns.give_back_due,
        sessions,
        outbox_worker.bot,
        posting_worker.owner,
        posting_worker.stopping,
    )
    star_ticks = [Tick("star transactions", 10.0, 5 * HANG_SECONDS, reconcile_stars)]
    return [
        *(star_ticks if settings.currency == STARS else []),
        Tick("posts", dispatch.TICK_SECONDS, posts_limit, publish),
        Tick("alarms", 0.5, notice_delivery.TICK_LIMIT, deliver_alarms),
        Tick("outbox", 0.5, notice_delivery.TICK_LIMIT, deliver),
        Tick("live checks", 1.0, checks_limit, check_posts),
        Tick("channel facts", 5.0, channel_reading.TICK_LIMIT, read_channels),
        Tick("releases", 1.0, HANG_SECONDS, partial(settlements.release_due, sessions)),
        Tick("refunds", 1.0, HANG_SECONDS, partial(settlements.refund_due, sessions)),
        Tick("credits", 5.0, HANG_SECONDS, partial(settlements.credit_due, sessions)),
        Tick(
            "deposit returns", deposit_returns.TICK_SECONDS, deposit_returns.TICK_LIMIT, give_back
        ),
        Tick("rescue", 3.0, HANG_SECONDS, rescue),
        Tick("probes", 2.0, search.max_tick_seconds, find_uncertain),
        Tick("cards", 10.0, HANG_SECONDS, partial(post_search.ask_admins, posting_worker)),
        Tick(
            "removals",
            5.0,
            removals.max_tick_seconds(posting_worker),
            partial(removals.remove_due_posts, posting_worker),
        ),
        Tick("breaches", 10.0, HANG_SECONDS, partial(post_checks.refund_breaches, sessions)),
        Tick("complaints", 5.0, HANG_SECONDS, leader.leader_only(end_complaints)),
        Tick("expiry", 10.0, HANG_SECONDS, leader.leader_only(expire)),
        Tick("early removals", 30.0, HANG_SECONDS, leader.leader_only(suspend_removed)),
        Tick("channel clicks", 300.0, HANG_SECONDS, leader.leader_only(count_clicks)),
        Tick("submission cards", 2.0, HANG_SECONDS, leader.leader_only(queue_cards)),
        Tick("cancellations", 10.0, HANG_SECONDS, leader.leader_only(cancel)),
        Tick("proposals", 10.0, HANG_SECONDS, leader.leader_only(drop_ended)),
        Tick("stuck escrows", 30.0, HANG_SECONDS, leader.leader_only(refund_stuck)),
        Tick("stops", 1.0, HANG_SECONDS, partial(watchdogs.settle_stops, sessions)),
        Tick("hanging sessions", 10.0, HANG_SECONDS, end_hanging),
        Tick(
            "ledger",
            watchdogs.LEDGER_CHECK_SECONDS,
            5 * HANG_SECONDS,
            leader.leader_only(check_ledger),
        ),
        Tick("guards", 120.0, HANG_SECONDS, leader.leader_only(check_guards)),
        Tick("alerts", alerts.EVERY_SECONDS, alerts.TICK_LIMIT, alert_watch.run),
        Tick("audit chain", 60.0, 5 * HANG_SECONDS, extend_chain),
        Tick("daily report", 60.0, HANG_SECONDS, leader.leader_only(report_daily)),
        Tick("failure counts", 5.0, HANG_SECONDS, store_failures),
        Tick("rollback criteria", 10.0, HANG_SECONDS, leader.leader_only(watch_criteria)),
        Tick("purge", 600.0, HANG_SECONDS, leader.leader_only(purge.run)),
    ]


async def run(settings: Settings) -> int:
    """Run the scheduler until SIGTERM or SIGINT. Return the exit status of the process."""
    owner = f"{NAME}-{os.getpid()}-{secrets.token_hex(4)}"
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    engine, intake_engine = (
        database.create_engine(settings.database_url_of(url), pool_size=settings.database_pool_size)
        for url in (settings.clock_database_url, settings.intake_database_url)
    )
    database_metrics.watch(engine, "clock")
    database_metrics.watch(intake_engine, "intake")
    sessions = database.create_sessions(engine)
    token, api_url = settings.bot_token.get_secret_value(), settings.bot_api_url
    limiter = RateLimiter(
        settings.redis_url.get_secret_value(), per_second=settings.messages_per_second
    )
    sender = Sender(
        token=token,
        api_url=api_url,
        seconds=min(SEND_SECONDS, settings.post_lease.total_seconds() * SEND_SHARE),
    )
    posting_worker = PostingWorker(
        sessions, sender, limiter, Breaker(), owner, settings.post_lease, stopping
    )
    intake_sessions = database.create_sessions(intake_engine)
    admin_chat = AdminChat(settings.admin_chat_id, intake_sessions)
    bot_for_notices = create_notice_bot(token, api_url, admin_chat)
    outbox_worker = notice_delivery.OutboxWorker(
        sessions,
        limiter,
        bot_for_notices,
        admin_chat,
        settings.currency,
        stopping,
        ads_wait=posting_worker.behind.is_set,
        intake_sessions=intake_sessions,
    )
    leader = LeaderElection(sessions, lease=LEADER_LEASE, owner=owner, ttl=LEADER_TTL)
    alert_watch = alerts.AlertWatch(
        sessions,
        limiter,
        leader,
        AlertRoutes(settings),
        settings.currency,
        settings.escrow_sla,
        settings.dead_man_url.get_secret_value(),
    )
    loop_watch = LoopWatch()
    clock = Clock(
        ticks(settings, posting_worker, outbox_worker, leader, alert_watch),
        partial(beat, sessions, owner, leader, loop_watch),
        stopping,
        posting_worker.under_way,
    )
    watching = asyncio.create_task(loop_watch.run(), name="loop watch")
    http_stack = AsyncExitStack()
    try:
        await _require_access(sessions)
        await _serve_http(http_stack, settings, sessions, limiter)
        log.info("Scheduler started", owner=owner)
        status = await clock.run()
        await step_down(leader)
        log.info("Scheduler stopped", owner=owner)
        return status
    finally:
        await http_stack.aclose()
        watching.cancel()
        await bot_for_notices.session.close()
        await sender.close()
        await limiter.close()
        await database.dispose(engine)
        await database.dispose(intake_engine)


async def _serve_http(
    stack: AsyncExitStack, settings: Settings, sessions: Sessions, limiter: RateLimiter
) -> None:
    """Serve health and metrics until `stack` closes, if SCHEDULER_HTTP_PORT is set.

    Exits with status 2 and a line on stderr if the port cannot be used.
    """
    port = settings.scheduler_http_port
    if port is None:
        return

    comparison = guards.CachedComparison()

    async def check() -> tuple[dict[str, Any], bool]:
        return await readiness.check_parts(sessions, redis=limiter.alive(), comparison=comparison)

    app = web.Application()
    health_pages.add_health(app, check)
    health_pages.add_metrics(app)
    try:
        await health_pages.serve(
            stack, app, host=settings.http_host, port=port, setting="SCHEDULER_HTTP_PORT"
        )
    except CannotStartError as error:
        sys.stderr.write(f"scheduler: {error}\n")
        raise SystemExit(2) from None


async def _require_access(sessions: Sessions) -> None:
    """Exit with status 2 and a line on stderr if PostgreSQL refuses the connection.

    Does nothing if PostgreSQL does not answer.
    """
    try:
        async with sessions.begin() as session:
            await session.connection()
    except Exception as error:
        if is_refused(error):
            sys.stderr.write(f"scheduler: DATABASE_URL: {cause(error)}\n")
            raise SystemExit(2) from None
        if not is_away(error):
            raise


async def beat(
    sessions: Sessions, owner: str, leader: LeaderElection, loop_watch: LoopWatch
) -> None:
    """Write the heartbeat of this process, and try to become or to stay the leader."""
    lag = loop_watch.take_longest_lag()
    async with sessions.begin() as session:
        await heartbeats.beat(
            session,
            owner=owner,
            name=NAME,
            loop_lag=lag,
            facts=recent_events.counts() | outages.long_outages_of_database(),
        )
    await leader.acquire_or_renew()


async def step_down(leader: LeaderElection) -> None:
    """Release the leadership, so that another process can become the leader immediately.

    Does nothing if the database is not available.
    """
    try:
        async with asyncio.timeout(STEP_DOWN_SECONDS):
            await leader.step_down()
    except Exception as error:
        if not is_away(error):
            raise


def main() -> None:
    """Read the settings and run the scheduler; exit with status 2 if a setting is wrong."""
    settings = product_settings.load()
    product_logging.setup(settings)
    startup_checks.warn_of_unproven_databases(settings)
    warm_up.build()
    raise SystemExit(asyncio.run(run(settings)))


if __name__ == "__main__":
    process_end.run(main)
