"""Write a bot's heartbeats, and report a missing scheduler or database to the admin chat.

The bot sends these alerts itself, because the scheduler delivers all other messages to the admin
chat.
"""

import asyncio
import time
from dataclasses import replace

import structlog
from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError

from bot import metrics, outages, recent_events
from bot.alert_routes import AlertRoutes
from bot.context import DatabaseAwayError, Dependencies, database_errors
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.screens import alerts as screens
from bot.screens.outgoing import Outgoing
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.session import cause
from services.platform import alerts, heartbeats, users
from services.platform.alerts import Change

EVERY_SECONDS = 4.0
START_SECONDS = 30.0
"""A new bot reports no missing scheduler before this time, because both may be starting."""
AWAY_SECONDS = 20.0
"""The admin chat is notified if the database does not answer for longer than this."""
NOTIFY_SECONDS = 10.0
"""One message to the admin chat may take at most this time."""
_MISSING = "scheduler_missing"

log = structlog.get_logger(__name__)


class ProcessWatch:
    """The watch of one bot process."""

    def __init__(
        self,
        *,
        dependencies: Dependencies,
        bot: Bot,
        election: LeaderElection,
        owner: str,
        loop_watch: LoopWatch,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._dependencies = dependencies
        self._bot = bot
        self._election = election
        self._owner = owner
        self._loop_watch = loop_watch
        self._routes = AlertRoutes(dependencies.settings)
        self._t = Texts(DEFAULT_LANGUAGE, dependencies.settings.currency)
        """The texts of alerts, in the language that the staff had at the last beat."""
        self._begun_at = time.monotonic()
        self._start_seconds = start_seconds
        self._answered_at = time.monotonic()
        self._failed_at = float("-inf")
        self._reported_away = False

    async def run(self) -> None:
        """Watch until the task is cancelled. After an unexpected error, the watch goes on."""
        while True:
            try:
                await self.watch_once()
            except Exception:
                log.exception("Worker error", task="process watch")
            await asyncio.sleep(EVERY_SECONDS)

    async def watch_once(self) -> None:
        """Write one heartbeat, and send the changes about the scheduler and the database."""
        redis_away = not await self._dependencies.storage.alive()
        metrics.REDIS_AWAY.set(redis_away)
        recent_events.set_state("redis_away", is_true=redis_away)
        try:
            await self._beat()
        except DatabaseAwayError as error:
            self._failed_at = time.monotonic()
            metrics.DATABASE_AWAY.set(True)
            outages.log_away(outages.DATABASE, cause=cause(error))
            away_seconds = time.monotonic() - self._answered_at
            if (
                self._election.is_elected
                and away_seconds > AWAY_SECONDS
                and not self._reported_away
            ):
                self._reported_away = await self._report_away(is_away=True)
            return
        self._answered_at = time.monotonic()
        metrics.DATABASE_AWAY.set(False)
        if self._reported_away:
            self._reported_away = not await self._report_away(is_away=False)
        if self._election.is_elected:
            await self._send_changes()

    async def _beat(self) -> None:
        """Write the heartbeat and the changes of alerts. Raises DatabaseAwayError."""
        async with database_errors(), self._dependencies.sessions.begin() as session:
            await heartbeats.beat(
                session,
                owner=self._owner,
                name=heartbeats.BOT,
                loop_lag=self._loop_watch.take_longest_lag(),
                facts=recent_events.counts(),
            )
            language = await users.language_of_staff(session)
            self._t = replace(self._t, language=language)
            missing = not await heartbeats.is_alive(session, name=heartbeats.SCHEDULER)
            if time.monotonic() - self._failed_at < heartbeats.RETURN_SECONDS:
                return
            metrics.SCHEDULERS_MISSING.set(missing)
            if self._election.is_elected and (
                time.monotonic() - self._begun_at >= self._start_seconds
            ):
                firing = {_MISSING: 1.0} if missing else {}
                for change in await alerts.record(session, watcher="bot", firing=firing):
                    log.warning("Alert", alert=change.name, firing=change.firing)

    async def _send_changes(self) -> None:
        """Send the bot's alerts to the admin chat and on the alert routes. Repeat failed sends."""
        async with database_errors(), self._dependencies.sessions.begin() as session:
            not_in_chat = await alerts.list_not_in_chat(session, "bot")
            not_sent_out = await alerts.list_not_sent_out(session, "bot")
        for change in not_in_chat:
            if await self._say(self._screen(change)):
                async with database_errors(), self._dependencies.sessions.begin() as session:
                    await alerts.record_in_chat(session, change)
        for change in not_sent_out:
            urgent = screens.urgent(self._t, change.name, is_firing=change.firing)
            if await self._routes.send(urgent):
                async with database_errors(), self._dependencies.sessions.begin() as session:
                    await alerts.record_sent_out(session, change)

    def _screen(self, change: Change) -> Outgoing:
        if change.firing:
            return screens.firing(self._t, change.name)
        return screens.over(self._t, change.name)

    async def _report_away(self, *, is_away: bool) -> bool:
        """Send the alert that the database is away or back. Return whether somebody got it."""
        name, t = screens.DATABASE_AWAY, self._t
        screen = screens.firing(t, name) if is_away else screens.over(t, name)
        said, sent_out = await asyncio.gather(
            self._say(screen), self._routes.send(screens.urgent(t, name, is_firing=is_away))
        )
        return said or sent_out

    async def _say(self, screen: Outgoing) -> bool:
        """Send a message to the admin chat, and return whether it arrived."""
        try:
            async with asyncio.timeout(NOTIFY_SECONDS):
                for method in screen.methods(self._dependencies.admin_chat.id):
                    await self._bot(method)
        except (TelegramAPIError, ClientDecodeError, TimeoutError, DatabaseAwayError) as error:
            log.error("An alert was not sent", error=type(error).__name__)
            return False
        return True
