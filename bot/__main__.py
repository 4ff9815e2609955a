"""Run the bot (`python -m bot`) until a stop signal."""

import asyncio
import gc
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
    database_metrics,
    failure_counts,
    health_pages,
    http,
    inbox_worker,
    logging,
    outages,
    process_end,
    settings,
    startup_checks,
    storage,
    warm_up,
)
from bot.admin_chat import AdminChat
from bot.context import DatabaseAwayError, Dependencies, database_errors
from bot.event_loop import LoopWatch
from bot.hung_process import exit_hung
from bot.leader_election import LeaderElection
from bot.polling import ALLOWED_UPDATES, Poller
from bot.process_watch import ProcessWatch
from bot.settings import Settings
from bot.start_errors import CannotStartError
from bot.telegram.answers import create_bot
from bot.telegram.rate_limiter import RateLimiter
from bot.webhook_watch import WebhookWatch
from db.session import create_engine, create_sessions, dispose
from handlers import routers

log = structlog.get_logger(__name__)

LEASE = "polling"
LEASE_TTL = timedelta(seconds=8)
RENEWAL_SECONDS = 2.0
"""The pause between two renewals of the leader's lease, in seconds."""
STALLED_SECONDS = 30.0
"""A process that takes updates and neither begins nor ends one for this time exits.

While PostgreSQL fails, it waits: its successor would have to wait too.
"""
STOP_SECONDS = 30.0
"""How many seconds the running handlers get to finish at a stop."""


def main() -> None:
    """Run the bot until SIGTERM or SIGINT.

    If the bot cannot start, the process writes one line to stderr and exits with status 2.
    """
    config = settings.load()
    logging.setup(config)
    startup_checks.warn_of_unproven_databases(config)
    startup_checks.warn_of_other_money(config)
    warm_up.build()
    try:
        asyncio.run(_run(config))
    except CannotStartError as error:
        sys.stderr.write(f"bot: {error}\n")
        raise SystemExit(2) from None


async def _run(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        size = config.database_pool_size
        engine = create_engine(config.database_url.get_secret_value(), pool_size=size)
        stack.push_async_callback(dispose, engine)
        intake_url = config.database_url_of(config.intake_database_url)
        intake_engine = create_engine(intake_url, pool_size=size)
        stack.push_async_callback(dispose, intake_engine)
        database_metrics.watch(engine, "bot")
        database_metrics.watch(intake_engine, "intake")
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
        stack.push_async_callback(redis.close)
        dependencies = Dependencies(
            sessions, config, storage.FormStorage(redis), admin_chat, intake_sessions
        )
        dispatcher = routers.dispatcher()
        inbox = inbox_worker.InboxWorker(dependencies=dependencies, dispatcher=dispatcher, bot=bot)
        await _serve_http(stack, dependencies, inbox)
        owner = _process_name()
        election = LeaderElection(dependencies.sessions, lease=LEASE, owner=owner, ttl=LEASE_TTL)
        loop_watch = LoopWatch(exit_as="bot")
        process_watch = ProcessWatch(
            dependencies=dependencies,
            bot=bot,
            election=election,
            owner=owner,
            loop_watch=loop_watch,
        )
        webhook_watch = WebhookWatch(
            bot,
            election,
            webhook_url=config.webhook_url,
            repair=partial(_set_webhook, bot, config),
        )
        for watch in (loop_watch, process_watch, webhook_watch):
            watching = asyncio.create_task(watch.run(), name=type(watch).__name__)
            stack.callback(watching.cancel)
        counting = asyncio.create_task(failure_counts.keep_storing(sessions), name="failures")
        stack.callback(counting.cancel)
        storing = asyncio.create_task(inbox.reactions.keep_storing(sessions), name="reactions")
        stack.callback(storing.cancel)
        if not await _finish_unless_stopped(stop, _prepare(bot, dependencies)):
            return
        await dispatcher.emit_startup(bot=bot, dispatcher=dispatcher)
        # The imported modules live as long as the process. The garbage collector must not look
        # through them again and again while people wait.
        gc.collect()
        gc.freeze()
        log.info("bot started", webhook=bool(config.webhook_url))
        poller = Poller(sessions=dependencies.intake_sessions, bot=bot, worker=inbox)
        await _UpdateRunner(election, inbox, None if config.webhook_url else poller).run(stop)
        await dispatcher.emit_shutdown(bot=bot, dispatcher=dispatcher)
        log.info("bot stopped")


async def _prepare(bot: Bot, dependencies: Dependencies) -> None:
    """Do everything that must precede the first update.

    Raises CannotStartError if a setting is wrong.
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
    """Return True if `work` ended, and False if `stop` was set first."""
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
    """Serve HTTP until `stack` closes. Raises CannotStartError if a port cannot be used."""
    config = dependencies.settings
    app = http.application(dependencies, inbox)
    host = config.http_host
    await health_pages.serve(stack, app, host=host, port=config.http_port, setting="HTTP_PORT")
    if (port := config.metrics_port) is not None:
        app = web.Application()
        health_pages.add_metrics(app)
        await health_pages.serve(stack, app, host=host, port=port, setting="METRICS_PORT")


async def _set_up_telegram(bot: Bot, dependencies: Dependencies) -> None:
    config = dependencies.settings
    await commands.publish(bot, dependencies.admin_chat.id)
    await _set_webhook(bot, config)


async def _set_webhook(bot: Bot, config: Settings) -> None:
    # The updates that wait at Telegram are kept: one of them may be a payment.
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
    """The loop that fetches and handles updates while this process is the leader."""

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
        """Handle updates until `stop` is set, and then release the lease."""
        while not stop.is_set():
            if await self._leads():
                await self._handle_updates(stop)
            else:
                await _sleep(stop)
        with suppress(DatabaseAwayError):
            async with database_errors():
                await self._election.step_down()

    async def _handle_updates(self, stop: asyncio.Event) -> None:
        """Handle updates until `stop` is set or this process no longer leads."""
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
            if self._inbox.stalled_seconds > STALLED_SECONDS:
                exit_hung("bot", "handling of updates")
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
        """Take or renew the lease, and return whether this process is the leader."""
        try:
            async with database_errors():
                await self._election.acquire_or_renew()
        except DatabaseAwayError as error:
            # No other process can take the lease while PostgreSQL is not available.
            outages.log_database_away(error)
        return self._election.is_elected


async def _sleep(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), RENEWAL_SECONDS)


if __name__ == "__main__":
    process_end.run(main)
