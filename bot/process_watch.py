"""Write the heartbeats of a bot, and tell the admin chat if no scheduler or no database is there.

The bot tells this itself: the scheduler delivers all other messages to the admin chat.
"""

import asyncio
import time

import structlog
from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError

from bot import metrics, outages, recent_events
from bot.alarm_routes import AlarmRoutes
from bot.context import DatabaseAwayError, Dependencies, database_errors
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.screens import alerts as screens
from bot.screens.outgoing import Outgoing
from bot.texts import DEFAULT_LANGUAGE, Texts
from db.session import cause
from services.platform import alerts, heartbeats
from services.platform.alerts import Change

EVERY_SECONDS = 4.0
START_SECONDS = 30.0
"""A new process misses no scheduler before this time, because both may be starting."""
AWAY_SECONDS = 20.0
"""The admin chat is told if the database does not answer for longer than this."""
TELL_SECONDS = 10.0
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
        self._routes = AlarmRoutes(dependencies.settings)
        self._t = Texts(DEFAULT_LANGUAGE, dependencies.settings.currency)
        self._begun_at = time.monotonic()
        self._start_seconds = start_seconds
        self._answered_at = time.monotonic()
        self._told_away = False

    async def run(self) -> None:
        """Watch until the task is cancelled. After an unexpected error, the watch goes on."""
        while True:
            try:
                await self.turn()
            except Exception:
                log.exception("Worker error", task="process watch")
            await asyncio.sleep(EVERY_SECONDS)

    async def turn(self) -> None:
        """Write one heartbeat, and tell what has changed about the scheduler and the database."""
        redis_away = not await self._dependencies.storage.alive()
        metrics.REDIS_AWAY.set(redis_away)
        recent_events.set_state("redis_away", is_true=redis_away)
        try:
            await self._beat()
        except DatabaseAwayError as error:
            metrics.DATABASE_AWAY.set(True)
            outages.log_away(outages.DATABASE, cause=cause(error))
            away_seconds = time.monotonic() - self._answered_at
            if self._election.is_elected and away_seconds > AWAY_SECONDS and not self._told_away:
                self._told_away = await self._tell_away(is_away=True)
            return
        self._answered_at = time.monotonic()
        metrics.DATABASE_AWAY.set(False)
        if self._told_away:
            self._told_away = not await self._tell_away(is_away=False)
        if self._election.is_elected:
            await self._tell_changes()

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
            missing = not await heartbeats.is_alive(session, name=heartbeats.SCHEDULER)
            metrics.SCHEDULERS_MISSING.set(missing)
            if self._election.is_elected and (
                time.monotonic() - self._begun_at >= self._start_seconds
            ):
                firing = {_MISSING: 1.0} if missing else {}
                for change in await alerts.record(session, watcher="bot", firing=firing):
                    log.warning("Alert", alert=change.name, firing=change.firing)

    async def _tell_changes(self) -> None:
        """Send the bot's changes to the admin chat and by the second way. Failures are repeated."""
        async with database_errors(), self._dependencies.sessions.begin() as session:
            untold = await alerts.list_untold(session, "bot")
            not_sent_out = await alerts.list_not_sent_out(session, "bot")
        for change in untold:
            if await self._say(self._screen(change)):
                async with database_errors(), self._dependencies.sessions.begin() as session:
                    await alerts.record_told(session, change)
        for change in not_sent_out:
            alarm = screens.alarm(self._t, change.name, is_firing=change.firing)
            if await self._routes.send(alarm):
                async with database_errors(), self._dependencies.sessions.begin() as session:
                    await alerts.record_sent_out(session, change)

    def _screen(self, change: Change) -> Outgoing:
        if change.firing:
            return screens.firing(self._t, change.name)
        return screens.over(self._t, change.name)

    async def _tell_away(self, *, is_away: bool) -> bool:
        """Tell everywhere that the database is away or back. Return whether somebody was told."""
        name = screens.DATABASE_AWAY
        screen = screens.firing(self._t, name) if is_away else screens.over(self._t, name)
        said, sent_out = await asyncio.gather(
            self._say(screen), self._routes.send(screens.alarm(self._t, name, is_firing=is_away))
        )
        return said or sent_out

    async def _say(self, screen: Outgoing) -> bool:
        """Send a message to the admin chat, and return whether it arrived."""
        try:
            async with asyncio.timeout(TELL_SECONDS):
                for method in screen.methods(self._dependencies.admin_chat.id):
                    await self._bot(method)
        except (TelegramAPIError, ClientDecodeError, TimeoutError, DatabaseAwayError) as error:
            log.error("An alarm was not sent", error=type(error).__name__)
            return False
        return True
