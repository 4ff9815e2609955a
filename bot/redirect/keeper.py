"""Read the tracked links from PostgreSQL, and bring the clicks there."""

import asyncio
import secrets
import time
from datetime import timedelta
from typing import Any

import structlog

from bot.redirect import metrics
from bot.redirect.server import Redirect
from db.session import Sessions, cause, is_away
from services.market import link_clicks
from services.market.link_clicks import BATCH, FIRST, Clicks, Position

EVERY_SECONDS = 1.0
SECONDS = 20.0
"""One round takes at most this time."""
STOP_SECONDS = 10.0
"""A process that stops tries for at most this time to bring the last clicks."""
OVERLAP = timedelta(seconds=90)
"""Links that were changed so long before the last known change are read again.

A transaction lasts at most 30 seconds, so a change is seen at most so late.
"""
ALL_EVERY_SECONDS = 600.0
"""All links are read again after this time, for example after a backup was restored."""
LOG_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Keeper:
    """The connection of the redirect with PostgreSQL, which may be away for any time."""

    def __init__(self, redirect: Redirect, sessions: Sessions) -> None:
        self._redirect = redirect
        self._sessions = sessions
        self._position: Position = FIRST
        self._all_at = time.monotonic()
        self._away_since: float | None = None
        self._logged_at = -LOG_SECONDS
        self.is_loaded = len(redirect.targets) > 0
        """True if the links are known, from the file or from PostgreSQL."""

    async def run(self) -> None:
        """Read links and bring clicks until the task is cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self) -> bool:
        """Read the new links and bring all clicks once. Return False if PostgreSQL is away."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._read_links()
                await self._bring_clicks()
                await self._store_lost()
        except Exception as error:  # noqa: BLE001 - the redirect goes on whatever happens here
            self._note_failure(error)
            return False
        if self._away_since is not None:
            log.info("PostgreSQL answers again")
            self._away_since = None
        return True

    async def stop(self) -> None:
        """Bring the last clicks. Those that cannot be brought in time are lost, and said to be."""
        clicks = self._redirect.clicks
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._bring_clicks()
                await self._store_lost()
        except Exception as error:  # noqa: BLE001 - the process stops all the same
            self._note_failure(error)
        left = clicks.take()
        while left:
            clicks.lose(sum(each.count for each in left))
            left = clicks.take()

    def facts(self) -> dict[str, Any]:
        """Return what a readiness check shows."""
        return {
            "ok": self.is_loaded,
            "database": self._away_since is None,
            "links": len(self._redirect.targets),
            "waiting_clicks": len(self._redirect.clicks),
        }

    async def _read_links(self) -> None:
        redirect = self._redirect
        if time.monotonic() - self._all_at > ALL_EVERY_SECONDS:
            self._position, self._all_at = FIRST, time.monotonic()
        is_last = False
        while not is_last:
            async with self._sessions.begin() as session:
                redirect.clock.set(await link_clicks.now(session))
                links, position = await link_clicks.read(session, self._position)
            redirect.targets.update(links, redirect.clock.now())
            self._position = position
            is_last = len(links) < BATCH
        if self._position != FIRST:
            self._position = (self._position[0] - OVERLAP, "")
        self.is_loaded = True
        metrics.LINKS.set(len(redirect.targets))
        await self._share_salts()

    async def _share_salts(self) -> None:
        """Use the salts of today and tomorrow that all processes use."""
        salts, today = self._redirect.salts, self._redirect.clock.now().date()
        salts.forget_before(today)
        for day in (today, today + timedelta(days=1)):
            if not salts.is_shared(day):
                async with self._sessions.begin() as session:
                    shared = await link_clicks.salt(session, day, secrets.token_bytes(32))
                salts.share(day, shared)

    async def _bring_clicks(self) -> None:
        clicks = self._redirect.clicks
        while taken := clicks.take():
            await self._bring(taken)
        metrics.WAITING.set(0)

    async def _bring(self, taken: list[Clicks]) -> None:
        clicks = self._redirect.clicks
        try:
            async with self._sessions.begin() as session:
                refused = await link_clicks.record(session, taken)
        except BaseException:
            clicks.put_back(taken)
            metrics.WAITING.set(len(clicks))
            raise
        clicks.lose(refused)

    async def _store_lost(self) -> None:
        """Store how many clicks were lost, for the alert in the admin chat."""
        clicks = self._redirect.clicks
        if not (lost := clicks.take_lost()):
            return
        try:
            async with self._sessions.begin() as session:
                await link_clicks.count_lost(session, lost)
        except BaseException:
            clicks.give_back_lost(lost)
            raise

    def _note_failure(self, error: Exception) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            event = "PostgreSQL is away" if is_away(error) else "Worker error"
            log.error(event, cause=cause(error), waiting=len(self._redirect.clicks))
