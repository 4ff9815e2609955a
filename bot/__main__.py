"""`python -m bot`: joins the wires, takes updates until it is told to stop."""

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

from bot import commands, http, inbox, logging, settings, start_checks, storage
from bot.polling import ALLOWED_UPDATES, Poller
from bot.settings import Settings
from bot.telegram import plain_bot
from bot.turn import DatabaseAwayError, Wiring, reachable
from db.session import Sessions, create_engine, create_sessions
from handlers import assembly
from services import system

log = structlog.get_logger(__name__)

LEASE = "polling"
LEASE_TTL = timedelta(seconds=8)
LEASE_TICK_SECONDS = 2.0
STOP_SECONDS = 30.0


def main() -> None:
    """Run until SIGTERM or SIGINT; exit status 2 and one line if it cannot start."""
    chosen = settings.load()
    logging.setup(chosen)
    try:
        asyncio.run(_run(chosen))
    except start_checks.CannotStartError as error:
        sys.stderr.write(f"bot: {error}\n")
        raise SystemExit(2) from None


async def _run(chosen: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        engine = create_engine(chosen.database_url.get_secret_value())
        stack.push_async_callback(engine.dispose)
        bot = plain_bot(chosen.bot_token.get_secret_value(), chosen.bot_api_url)
        stack.push_async_callback(bot.session.close)
        redis = storage.connect(chosen.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        wiring = Wiring(
            create_sessions(engine), chosen, storage.FormStorage(redis), chosen.admin_chat_id
        )
        dispatcher = assembly.dispatcher()
        worker = inbox.Worker(wiring=wiring, dispatcher=dispatcher, bot=bot)
        await _serve(stack, wiring, worker)
        if not await _unless_stopped(stop, _prepare(bot, wiring)):
            return
        await dispatcher.emit_startup(bot=bot, dispatcher=dispatcher)
        log.info("bot started", webhook=bool(chosen.webhook_url))
        poller = Poller(sessions=wiring.sessions, bot=bot, worker=worker)
        await _Turns(wiring.sessions, worker, None if chosen.webhook_url else poller).run(stop)
        await dispatcher.emit_shutdown(bot=bot, dispatcher=dispatcher)
        log.info("bot stopped")


async def _prepare(bot: Bot, wiring: Wiring) -> None:
    """Wait for the database and for Telegram, and refuse a start that cannot be right."""
    wiring.admin_chat_id = await start_checks.database(wiring.sessions, wiring.settings)
    await start_checks.patiently(partial(start_checks.admin_chat, bot, wiring.admin_chat_id))
    await start_checks.patiently(partial(_meet_telegram, bot, wiring))


async def _unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Tell whether the work ended before somebody wanted the process to stop."""
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not working.done():
        working.cancel()
        return False
    await working
    return True


async def _serve(stack: AsyncExitStack, wiring: Wiring, worker: inbox.Worker) -> None:
    """Open the HTTP port. Raises CannotStartError if another has it."""
    runner = web.AppRunner(http.application(wiring, worker), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    chosen = wiring.settings
    site = web.TCPSite(runner, chosen.http_host, chosen.http_port)
    try:
        await site.start()
    except OSError as error:
        message = f"HTTP_PORT {chosen.http_port} cannot be used: {error.strerror}"
        raise start_checks.CannotStartError(message) from error


async def _meet_telegram(bot: Bot, wiring: Wiring) -> None:
    """Publish the commands and choose how updates come. Never drops what waits: it may be money."""
    chosen = wiring.settings
    await commands.publish(bot, wiring.admin_chat_id)
    if chosen.webhook_url:
        await bot.set_webhook(
            chosen.webhook_url,
            secret_token=chosen.webhook_secret.get_secret_value(),
            allowed_updates=list(ALLOWED_UPDATES),
            drop_pending_updates=False,
        )
    else:
        await bot.delete_webhook(drop_pending_updates=False)


class _Turns:
    """One process at a time polls and works the inbox; the others stand by."""

    def __init__(self, sessions: Sessions, worker: inbox.Worker, poller: Poller | None) -> None:
        self._sessions = sessions
        self._worker = worker
        self._poller = poller
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"

    async def run(self, stop: asyncio.Event) -> None:
        """Take the lease whenever it is free, and work while it is ours, until `stop`."""
        while not stop.is_set():
            if await self._lease(unknown=False):
                await self._work(stop)
            else:
                await _sleep(stop)
        with suppress(DatabaseAwayError):
            async with reachable(), self._sessions.begin() as session:
                await system.drop_lease(session, name=LEASE, owner=self._owner)

    async def _work(self, stop: asyncio.Event) -> None:
        """Work until `stop`, or until the lease is lost; what was begun is finished."""
        log.info("takes updates")
        over = asyncio.Event()
        tasks = [asyncio.create_task(self._worker.run(over), name="inbox")]
        polling = asyncio.create_task(self._poller.run()) if self._poller else None
        watched = [*tasks, *([polling] if polling else [])]
        while not stop.is_set() and not any(task.done() for task in watched):
            await _sleep(stop)
            # While PostgreSQL is away nobody else can take it either.
            if not await self._lease(unknown=True):
                log.warning("another process takes updates now")
                break
        if polling is not None:
            polling.cancel()
        over.set()
        _, late = await asyncio.wait(watched, timeout=STOP_SECONDS)
        for task in late:
            log.error("handlers did not end in time", task=task.get_name())
            task.cancel()
        for task in watched:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _lease(self, *, unknown: bool) -> bool:
        """Take or keep the lease; `unknown` is what is assumed while PostgreSQL is away."""
        try:
            async with reachable(), self._sessions.begin() as session:
                epoch = await system.take_lease(
                    session, name=LEASE, owner=self._owner, ttl=LEASE_TTL
                )
        except DatabaseAwayError:
            log.warning("database away", what="lease")
            return unknown
        return epoch is not None


async def _sleep(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), LEASE_TICK_SECONDS)


if __name__ == "__main__":
    main()
