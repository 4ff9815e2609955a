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
from services.platform import alerts, heartbeats, users
from services.platform.alert_conditions import DATABASE_AWAY
from services.platform.alerts import Change

EVERY_SECONDS = 4.0
LATE_SECONDS = 3.0
"""A heartbeat that takes longer counts as an outage of the database, in seconds."""
START_SECONDS = 30.0
"""A new bot reports no missing scheduler before this time, because both may be starting."""
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
        self._schedulers_outage: str | None = None
        self._has_reported = False
        """Whether this process has told the admin chat about an outage of the database."""

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
        outages.log_ended(outages.DATABASE, outages.REDIS, outages.TELEGRAM)
        redis_away = not await self._dependencies.storage.alive()
        metrics.REDIS_AWAY.set(redis_away)
        recent_events.set_state("redis_away", is_true=redis_away)
        try:
            await self._beat()
        except DatabaseAwayError as error:
            self._failed_at = time.monotonic()
            outages.log_database_away(error)
            await self._report_outage(answers=False)
            return
        self._answered_at = time.monotonic()
        await self._report_outage(answers=True)
        if self._election.is_elected:
            await self._send_changes()

    async def _report_outage(self, *, answers: bool) -> None:
        """Tell the admin chat once that the database does not work, and once that it works again.

        A note outside the database has the kind of the outage that the admin chat knows. So another
        process, for example after a restart, says that the outage is over, and tells it no second
        time. A full disk lets the heartbeat through, but not the updates or the scheduler's work.
        """
        silent_seconds = 0.0 if answers else time.monotonic() - self._answered_at
        kind = self._schedulers_outage if answers else None
        if silent_seconds > outages.LONG_SECONDS or outages.is_long(outages.DATABASE):
            kind = outages.kind_of(outages.DATABASE)
        metrics.DATABASE_AWAY.set(not answers or kind is not None)
        storage = self._dependencies.storage
        known = await storage.read_note(DATABASE_AWAY)
        self._has_reported &= known is not None
        if kind is not None and known is None and self._election.is_elected:
            if await self._send_outage(kind, is_over=False):
                await storage.write_note(DATABASE_AWAY, kind)
                self._has_reported = True
        elif kind is None and answers and (self._election.is_elected or self._has_reported):
            await self._report_end()

    async def _report_end(self) -> None:
        """Tell the admin chat that the database works again, if it knows that it did not.

        If nobody got the message, it is repeated at the next heartbeat.
        """
        storage = self._dependencies.storage
        known = await storage.take_note(DATABASE_AWAY)
        if known is None:
            return
        if not await self._send_outage(known, is_over=True):
            await storage.write_note(DATABASE_AWAY, known)
            return
        self._has_reported = False
        # A restore may have stored the alert too.
        async with database_errors(), self._dependencies.sessions.begin() as session:
            await alerts.assume_over(session, watcher="bot", name=DATABASE_AWAY)

    async def _beat(self) -> None:
        """Write the heartbeat and the changes of alerts. Raises DatabaseAwayError."""
        begun = time.monotonic()
        async with database_errors(), self._dependencies.sessions.begin() as session:
            await heartbeats.beat(
                session,
                owner=self._owner,
                name=heartbeats.BOT,
                loop_lag=self._loop_watch.take_longest_lag(),
                facts=recent_events.counts() | outages.long_outages_of_database(),
            )
            if time.monotonic() - begun > LATE_SECONDS:
                # The scheduler may have waited for the same lock.
                self._failed_at = time.monotonic()
            language = await users.language_of_staff(session)
            self._t = replace(self._t, language=language)
            facts = await heartbeats.sum_facts(session, process=heartbeats.SCHEDULER)
            self._schedulers_outage = outages.kind_in(facts)
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

    async def _send_outage(self, kind: str, *, is_over: bool) -> bool:
        """Send the alert that the database fails or works again. Return whether somebody got it."""
        said, sent_out = await asyncio.gather(
            self._say(screens.outage(self._t, kind, is_over=is_over)),
            self._routes.send(screens.urgent_outage(self._t, kind, is_over=is_over)),
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
