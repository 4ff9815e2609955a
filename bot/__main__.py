"""Run the bot (`python -m bot`): connect its parts and handle updates until a stop signal."""

import asyncio
import os
import signal
import socket
import sys
import uuid
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aiogram import Bot
from aiohttp import web

from bot import (
    commands,
    http,
    inbox_worker,
    logging,
    outages,
    settings,
    startup_checks,
    storage,
)
from bot.admin_chat import AdminChat
from bot.context import DatabaseAwayError, Dependencies, database_errors
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.polling import ALLOWED_UPDATES, Poller
from bot.settings import Settings
from bot.telegram.answers import create_bot
from bot.telegram.rate_limiter import RateLimiter
from db.session import cause, create_engine, create_sessions
from handlers import routers

log = structlog.get_logger(__name__)

LEASE = "polling"
LEASE_TTL = timedelta(seconds=8)
RENEWAL_SECONDS = 2.0
"""The pause in seconds between two attempts to take or renew the lease. The lease is the exclusive
right of one process to handle updates."""
STOP_SECONDS = 30.0
"""How many seconds the running handlers get to finish when this process must stop handling updates.
"""


def main() -> None:
    """Run the bot until SIGTERM or SIGINT.

    If the bot cannot start, the process exits with status 2 and writes one line to stderr.
    """
    config = settings.load()
    logging.setup(config)
    try:
        asyncio.run(_run(config))
    except startup_checks.CannotStartError as error:
        sys.stderr.write(f"bot: {error}\n")
        raise SystemExit(2) from None


async def _run(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        engine = create_engine(config.database_url.get_secret_value())
        stack.push_async_callback(engine.dispose)
        intake_engine = create_engine(config.database_url_of(config.intake_database_url))
        stack.push_async_callback(intake_engine.dispose)
        sessions, intake_sessions = create_sessions(engine), create_sessions(intake_engine)
        admin_chat = AdminChat(config.admin_chat_id, intake_sessions)
        redis_url = config.redis_url.get_secret_value()
        limiter = RateLimiter(redis_url, per_second=config.messages_per_second)
        stack.push_async_callback(limiter.close)
        bot = create_bot(
            config.bot_token.get_secret_value(), config.bot_api_url, admin_chat, limiter
        )
        stack.push_async_callback(bot.session.close)
        redis = storage.connect(redis_url)
        stack.push_async_callback(redis.aclose)
        dependencies = Dependencies(
            sessions, config, storage.FormStorage(redis), admin_chat, intake_sessions
        )
        dispatcher = routers.dispatcher()
        inbox = inbox_worker.InboxWorker(dependencies=dependencies, dispatcher=dispatcher, bot=bot)
        await _serve_http(stack, dependencies, inbox)
        watching = asyncio.create_task(LoopWatch().run(), name="loop watch")
        stack.callback(watching.cancel)
        if not await _finish_unless_stopped(stop, _prepare(bot, dependencies)):
            return
        await dispatcher.emit_startup(bot=bot, dispatcher=dispatcher)
        log.info("bot started", webhook=bool(config.webhook_url))
        election = LeaderElection(
            dependencies.sessions, lease=LEASE, owner=_process_name(), ttl=LEASE_TTL
        )
        poller = Poller(sessions=dependencies.intake_sessions, bot=bot, worker=inbox)
        await _UpdateRunner(election, inbox, None if config.webhook_url else poller).run(stop)
        await dispatcher.emit_shutdown(bot=bot, dispatcher=dispatcher)
        log.info("bot stopped")


async def _prepare(bot: Bot, dependencies: Dependencies) -> None:
    """Do everything that must precede the first update.

    Waits until PostgreSQL and Telegram answer, and compares the settings with both. Then publishes
    the bot's commands and webhook at Telegram. Raises CannotStartError if a setting is wrong.
    """
    await startup_checks.database(
        dependencies.sessions,
        dependencies.intake_sessions,
        dependencies.settings,
        dependencies.admin_chat,
    )
    await startup_checks.retry_while_away(
        partial(startup_checks.admin_chat, bot, dependencies.admin_chat)
    )
    await startup_checks.retry_while_away(partial(_set_up_telegram, bot, dependencies))


async def _finish_unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Run `work`, but cancel it if `stop` is set before `work` has ended.

    Returns True if `work` has ended, and False if it was cancelled. An error of `work` is raised.
    """
    work_task = asyncio.create_task(work)
    stop_task = asyncio.create_task(stop.wait())
    await asyncio.wait({work_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
    stop_task.cancel()
    if not work_task.done():
        work_task.cancel()
        return False
    await work_task
    return True


def _process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


async def _serve_http(
    stack: AsyncExitStack, dependencies: Dependencies, inbox: inbox_worker.InboxWorker
) -> None:
    """Serve HTTP requests until `stack` closes.

    Raises CannotStartError if HTTP_PORT cannot be used.
    """
    runner = web.AppRunner(http.application(dependencies, inbox), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    config = dependencies.settings
    site = web.TCPSite(runner, config.http_host, config.http_port)
    try:
        await site.start()
    except OSError as error:
        message = f"HTTP_PORT {config.http_port} cannot be used: {error.strerror}"
        raise startup_checks.CannotStartError(message) from error


async def _set_up_telegram(bot: Bot, dependencies: Dependencies) -> None:
    """Publish the bot's list of commands, and set the webhook if WEBHOOK_URL is set.

    Without WEBHOOK_URL, an old webhook is deleted. The updates that wait at Telegram are kept in
    both cases, because one of them may be a payment.
    """
    config = dependencies.settings
    await commands.publish(bot, dependencies.admin_chat.id)
    if config.webhook_url:
        await bot.set_webhook(
            config.webhook_url,
            secret_token=config.webhook_secret.get_secret_value(),
            allowed_updates=list(ALLOWED_UPDATES),
            drop_pending_updates=False,
        )
    else:
        await bot.delete_webhook(drop_pending_updates=False)


class _UpdateRunner:
    """The loop that fetches and handles updates while this process is the leader.

    An update is an event that Telegram reports. The leader is the one process that holds the lease,
    the exclusive right to handle updates. In every other process, the loop only waits until the
    process becomes the leader. If `poller` is None, the loop does not fetch updates, because
    Telegram sends them to the webhook.
    """

    def __init__(
        self,
        election: LeaderElection,
        inbox: inbox_worker.InboxWorker,
        poller: Poller | None,
    ) -> None:
        self._election = election
        self._inbox = inbox
        self._poller = poller

    async def run(self, stop: asyncio.Event) -> None:
        """Handle updates whenever this process is the leader, until `stop` is set.

        The leader is the one process that holds the lease, the exclusive right to handle updates.
        Before the method returns, it releases the lease.
        """
        while not stop.is_set():
            if await self._leads():
                await self._handle_updates(stop)
            else:
                await _sleep(stop)
        with suppress(DatabaseAwayError):
            async with database_errors():
                await self._election.step_down()

    async def _handle_updates(self, stop: asyncio.Event) -> None:
        """Handle updates until `stop` is set or this process is no longer the leader.

        The leader is the one process that handles updates. At the end, the running handlers get
        STOP_SECONDS to finish. If the polling or the inbox worker ends with an error, the method
        stops too and raises this error.
        """
        log.info("takes updates")
        stop_inbox = asyncio.Event()
        tasks = [asyncio.create_task(self._inbox.run(stop_inbox), name="inbox")]
        polling = asyncio.create_task(self._poller.run()) if self._poller else None
        if polling is not None:
            tasks.append(polling)
        while not stop.is_set() and not any(task.done() for task in tasks):
            await _sleep(stop)
            if not await self._leads():
                log.warning("another process takes updates now")
                break
        if polling is not None:
            polling.cancel()
        stop_inbox.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in late:
            log.error("handlers did not end in time", task=task.get_name())
            task.cancel()
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _leads(self) -> bool:
        """Take or renew the lease, and return whether this process is the leader.

        The leader is the one process that holds the lease, the exclusive right to handle updates.
        While PostgreSQL is not available, the method returns its last result. This is safe, because
        no other process can take the lease during this time.
        """
        try:
            async with database_errors():
                await self._election.acquire_or_renew()
        except DatabaseAwayError as error:
            outages.log_away(outages.DATABASE, cause=cause(error))
        return self._election.is_elected


async def _sleep(stop: asyncio.Event) -> None:
    """Sleep for RENEWAL_SECONDS, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), RENEWAL_SECONDS)


if __name__ == "__main__":
    main()
