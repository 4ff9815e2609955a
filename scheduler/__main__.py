"""The clock and the sender: `python -m scheduler`. Any number of these may run."""

import asyncio
import logging
import os
import secrets
import signal
from functools import partial

import structlog

from bot import logging as product_logging
from bot import settings as product_settings
from bot import warm_up
from bot.limiter import Limiter
from bot.settings import Settings
from bot.telegram import SEND_SECONDS, Sender, plain_bot
from db import session as database
from db.session import Sessions, is_away
from scheduler import live_checks, outbox, posting, probes, seals, settlements, watchdogs
from scheduler.breaker import Breaker
from scheduler.clock import Clock, Tick
from scheduler.leader import Leader
from scheduler.posting import Desk
from scheduler.probes import Search
from services import system

NAME = "scheduler"
SEND_SHARE = 2 / 3
"""How much of a lease a send may take; the rest is for its place in the limits and its record."""
STEP_DOWN_SECONDS = 2.0
HANG_SECONDS = 60.0
"""A tick of nothing but short transactions that lasts longer has hung."""

log = structlog.get_logger(__name__)


def ticks(settings: Settings, desk: Desk, mail: outbox.Mail, leader: Leader) -> list[Tick]:
    """What runs, how often, and how long each may take, in seconds; some on the leader alone."""
    sessions = desk.sessions
    taking = posting.TAKING_SECONDS + desk.sender.seconds + HANG_SECONDS
    looks = live_checks.longest(desk.sender)
    look = partial(live_checks.look_at_due, sessions, desk.sender, desk.limiter, desk.stopping)
    search = Search(desk, settings.probe_gap, settings.admin_chat_id)
    watch_escrows = partial(watchdogs.refund_stuck_escrows, sessions, settings.escrow_sla)
    expire = partial(watchdogs.expire_targets, sessions)
    cancel = partial(watchdogs.cancel_unwanted, sessions)
    check_ledger = partial(watchdogs.check_ledger, sessions)
    seal = partial(seals.seal_ledger, sessions, settings.seals_file)
    purge_inbox = partial(watchdogs.purge_inbox, sessions)
    return [
        Tick("posts", posting.SOON_SECONDS, taking, partial(posting.dispatch, desk)),
        Tick("outbox", 0.5, outbox.TICK_LIMIT, partial(outbox.deliver, mail)),
        Tick("live checks", 1.0, looks, look),
        Tick("releases", 1.0, HANG_SECONDS, partial(settlements.release_due, sessions)),
        Tick("refunds", 1.0, HANG_SECONDS, partial(settlements.refund_due, sessions)),
        Tick("credits", 5.0, HANG_SECONDS, partial(settlements.credit_due, sessions)),
        Tick("rescue", 3.0, HANG_SECONDS, partial(watchdogs.rescue_abandoned, sessions)),
        Tick("probes", 2.0, search.longest, partial(probes.look_for_uncertain, search)),
        Tick("cards", 10.0, HANG_SECONDS, partial(probes.ask_admins, desk)),
        Tick("expiry", 10.0, HANG_SECONDS, leader.only(expire)),
        Tick("cancellations", 10.0, HANG_SECONDS, leader.only(cancel)),
        Tick("stuck escrows", 30.0, HANG_SECONDS, leader.only(watch_escrows)),
        Tick("ledger", 60.0, 5 * HANG_SECONDS, leader.only(check_ledger)),
        Tick("seals", 60.0, 5 * HANG_SECONDS, seal),
        Tick("inbox purge", 600.0, HANG_SECONDS, leader.only(purge_inbox)),
    ]


async def run(settings: Settings) -> int:
    """Works until SIGTERM or SIGINT; returns the exit status."""
    owner = f"{NAME}-{os.getpid()}-{secrets.token_hex(4)}"
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    engine = database.create_engine(settings.database_url.get_secret_value())
    sessions = database.create_sessions(engine)
    token, api_url = settings.bot_token.get_secret_value(), settings.bot_api_url
    limiter = Limiter(
        settings.redis_url.get_secret_value(), per_second=settings.messages_per_second
    )
    sender = Sender(
        token=token,
        api_url=api_url,
        seconds=min(SEND_SECONDS, settings.post_lease.total_seconds() * SEND_SHARE),
    )
    desk = Desk(sessions, sender, limiter, Breaker(), owner, settings.post_lease, stopping)
    mailer = plain_bot(token, api_url)
    mail = outbox.Mail(
        sessions,
        limiter,
        mailer,
        settings.admin_chat_id,
        settings.currency,
        stopping,
        ads_wait=desk.behind.is_set,
    )
    leader = Leader(sessions, owner)
    clock = Clock(
        ticks(settings, desk, mail, leader),
        partial(beat, sessions, owner, leader),
        stopping,
        desk.under_way,
    )
    log.info("Scheduler started", owner=owner)
    try:
        status = await clock.run()
        await step_down(leader)
        return status
    finally:
        await mailer.session.close()
        await sender.close()
        await limiter.close()
        await engine.dispose()
        log.info("Scheduler stopped", owner=owner)


async def beat(sessions: Sessions, owner: str, leader: Leader) -> None:
    """Says that this process is alive, and stands for election."""
    async with sessions.begin() as session:
        await system.beat(session, owner=owner, name=NAME)
    await leader.stand()


async def step_down(leader: Leader) -> None:
    """Lets another lead at once; with the database away the lease ends by itself."""
    try:
        async with asyncio.timeout(STEP_DOWN_SECONDS):
            await leader.step_down()
    except Exception as error:
        if not is_away(error):
            raise


def main() -> None:
    """Reads the settings and runs; exits with 2 for a wrong setting."""
    settings = product_settings.load()
    product_logging.setup(settings)
    # It warns each time a tick is still under way when its next time comes: that is as meant.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    warm_up.build()
    raise SystemExit(asyncio.run(run(settings)))


if __name__ == "__main__":
    main()
