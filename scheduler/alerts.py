"""Compare the facts about the product with the conditions of alerts, and send each change once."""

import time
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot import alert_routes, metrics, outages, recent_events
from bot.alert_routes import AlertRoutes
from bot.leader_election import LeaderElection
from bot.screens import alerts as screens
from bot.telegram.rate_limiter import RateLimiter
from bot.texts import Texts
from db.session import Sessions
from scheduler import state_gauges
from services.platform import alert_conditions, alerts, heartbeats, operation_facts, users
from services.platform.operation_facts import Facts

EVERY_SECONDS = 5.0
"""The interval of the tick."""
START_SECONDS = 30.0
"""A process evaluates nothing before this time, because the other processes may be starting too."""
LATE_SECONDS = 15.0
"""After a longer pause between two runs, the database was away: no tick ran."""
CAUSED_BY_OUTAGE = frozenset(
    {"conflicts", "inbox_late", "alarms_late", "bot_missing", "ledger_check_late"}
)
"""The conditions that an outage of the database causes, about which the bot has an alert.

They do not begin to fire during an outage and START_SECONDS after it.
"""
DEAD_MAN_SECONDS = 60.0
"""The interval of the calls of the dead man's switch."""
TICK_LIMIT = 60.0
"""A tick hangs if it lasts more seconds than this."""

log = structlog.get_logger(__name__)


@dataclass
class AlertWatch:
    """One scheduler process's evaluation of the conditions."""

    sessions: Sessions
    limiter: RateLimiter
    leader: LeaderElection
    routes: AlertRoutes
    currency: str
    escrow_sla: timedelta
    dead_man_url: str = ""
    start_seconds: float = START_SECONDS
    _begun_at: float = field(default_factory=time.monotonic)
    _run_at: float = field(default_factory=time.monotonic)
    _outage_at: float = float("-inf")
    """When the database was away the last time."""
    _last_met: frozenset[str] = frozenset()
    _met_since: dict[str, float] = field(default_factory=dict)
    """The time of `time.monotonic()` from which on each condition is met."""
    _failed_at: float = float("-inf")
    _dead_man_at: float = float("-inf")

    async def run(self) -> None:
        """Read the facts, show them as metrics, and send the changes if this process leads.

        The dead man's switch is called only after all of this has worked.
        """
        self._note_outage()
        # The clock logs the end of an outage of the database.
        outages.log_ended(outages.REDIS, outages.TELEGRAM)
        redis_away = not await self.limiter.alive()
        metrics.REDIS_AWAY.set(redis_away)
        recent_events.set_state("redis_away", is_true=redis_away)
        try:
            async with self.sessions.begin() as session:
                facts = await operation_facts.read(session, sla=self.escrow_sla)
        except Exception:
            self._failed_at = time.monotonic()
            state_gauges.forget()
            raise
        if time.monotonic() - self._failed_at >= heartbeats.RETURN_SECONDS:
            state_gauges.show(facts)
            if self.leader.is_leader and time.monotonic() - self._begun_at >= self.start_seconds:
                await self._notify(self._met(facts))
        await self._call_dead_man()

    def _note_outage(self) -> None:
        """Note whether the database was away since the last run."""
        now = time.monotonic()
        if now - self._run_at > LATE_SECONDS or outages.lasting_seconds(outages.DATABASE):
            self._outage_at = now
        self._run_at = now

    def _met(self, facts: Facts) -> dict[str, float]:
        """Return the names of the conditions that are met for long enough, with their facts."""
        now, met = time.monotonic(), {}
        not_yet = frozenset[str]()
        if now - self._outage_at < START_SECONDS:
            not_yet = CAUSED_BY_OUTAGE - self._last_met
        for condition in alert_conditions.watched_by("scheduler"):
            value = facts.numbers.get(condition.fact, 0.0)
            if value <= condition.above or condition.name in not_yet:
                self._met_since.pop(condition.name, None)
                continue
            since = self._met_since.setdefault(condition.name, now)
            if now - since >= condition.lasting.total_seconds():
                met[condition.name] = value
        self._last_met = frozenset(met)
        return met

    async def _notify(self, met: dict[str, float]) -> None:
        async with self.sessions.begin() as session:
            changes = await alerts.record(session, watcher="scheduler", firing=met)
        for change in changes:
            log.warning("Alert", alert=change.name, firing=change.firing, value=change.value)
        await send_out(self.sessions, self.routes, self.currency)

    async def _call_dead_man(self) -> None:
        if not self.dead_man_url or time.monotonic() - self._dead_man_at < DEAD_MAN_SECONDS:
            return
        if await alert_routes.call_dead_man(self.dead_man_url):
            self._dead_man_at = time.monotonic()


async def send_out(sessions: Sessions, routes: AlertRoutes, currency: str) -> None:
    """Send the scheduler's urgent changes on the alert routes. Failed sends are repeated later.

    The texts are in the language of the staff, as in the admin chat.
    """
    async with sessions.begin() as session:
        changes = await alerts.list_not_sent_out(session, "scheduler")
        t = Texts(await users.language_of_staff(session), currency)
    for change in changes:
        urgent = screens.urgent(t, change.name, is_firing=change.firing)
        if await routes.send(urgent):
            async with sessions.begin() as session:
                await alerts.record_sent_out(session, change)
