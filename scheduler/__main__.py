"""The clock and the sender: `python -m scheduler`. Any number of these may run."""

import asyncio
import logging
import os
import secrets
import signal
from functools import partial

import structlog

import bot.light_models  # noqa: F401 - before anything of aiogram
from bot import logging as product_logging
from bot import settings as product_settings
from bot.limiter import Limiter
from bot.settings import Settings
from bot.telegram import SEND_SECONDS, Sender, plain_bot
from db import session as database
from db.session import Sessions
from scheduler import live_checks, outbox, posting, settlements, watchdogs
from scheduler.breaker import Breaker
from scheduler.clock import Clock, Tick
from scheduler.posting import Desk
from services import system

NAME = "scheduler"
HANG_SECONDS = 60.0
"""A tick of nothing but short transactions that lasts longer has hung."""

log = structlog.get_logger(__name__)


def ticks(settings: Settings, desk: Desk, mail: outbox.Mail) -> list[Tick]:
    """What runs, how often, and how long each may take, in seconds."""
    sessions = desk.sessions
    taking = posting.TAKING_SECONDS + desk.sender.seconds + HANG_SECONDS
    looks = live_checks.longest(desk.sender)
    look = partial(live_checks.look_at_due, sessions, desk.sender, desk.limiter, desk.stopping)
    watch_escrows = partial(watchdogs.refund_stuck_escrows, sessions, settings.escrow_sla)
    return [
        Tick("posts", 0.5, taking, partial(posting.dispatch, desk)),
        Tick("outbox", 0.5, outbox.TICK_LIMIT, partial(outbox.deliver, mail)),
        Tick("live checks", 1.0, looks, look),
        Tick("releases", 1.0, HANG_SECONDS, partial(settlements.release_due, sessions)),
        Tick("refunds", 1.0, HANG_SECONDS, partial(settlements.refund_due, sessions)),
        Tick("credits", 5.0, HANG_SECONDS, partial(settlements.credit_due, sessions)),
        Tick("rescue", 5.0, HANG_SECONDS, partial(watchdogs.rescue_abandoned, sessions)),
        Tick("expiry", 10.0, HANG_SECONDS, partial(watchdogs.expire_targets, sessions)),
        Tick("stuck escrows", 30.0, HANG_SECONDS, watch_escrows),
        Tick("ledger", 60.0, 5 * HANG_SECONDS, partial(watchdogs.check_ledger, sessions)),
        Tick("inbox purge", 600.0, HANG_SECONDS, partial(watchdogs.purge_inbox, sessions)),
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
        seconds=min(SEND_SECONDS, settings.post_lease.total_seconds() / 2),
    )
    desk = Desk(sessions, sender, limiter, Breaker(), owner, settings.post_lease, stopping)
    mailer = plain_bot(token, api_url)
    mail = outbox.Mail(
        sessions, limiter, mailer, settings.admin_chat_id, settings.currency, stopping
    )
    clock = Clock(
        ticks(settings, desk, mail), partial(beat, sessions, owner), stopping, desk.under_way
    )
    log.info("Scheduler started", owner=owner)
    try:
        return await clock.run()
    finally:
        await mailer.session.close()
        await sender.close()
        await limiter.close()
        await engine.dispose()
        log.info("Scheduler stopped", owner=owner)


async def beat(sessions: Sessions, owner: str) -> None:
    """Says that this process is alive."""
    async with sessions.begin() as session:
        await system.beat(session, owner=owner, name=NAME)


def main() -> None:
    """Reads the settings and runs; exits with 2 for a wrong setting."""
    settings = product_settings.load()
    product_logging.setup(settings)
    # It warns each time a tick is still under way when its next time comes: that is as meant.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    raise SystemExit(asyncio.run(run(settings)))


if __name__ == "__main__":
    main()
