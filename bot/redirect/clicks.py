"""Keep clicks until PostgreSQL has counted them, within a fixed amount of memory."""

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date

import structlog

from bot.redirect import metrics, visitors
from services.market.link_clicks import BATCH, Clicks

MOST_WAITING = 50_000
"""How many people (each for one placement and day) can wait. A further click is lost."""
MOST_FROM_ADDRESS = 300
"""How many requests of one network address a day can be clicks on one placement."""
MOST_ADDRESSES = 200_000
"""Of how many network addresses the requests are limited."""
LOG_SECONDS = 60.0

Key = tuple[int, date, bytes | None]

log = structlog.get_logger(__name__)


class Salts:
    """The salts of the days (in UTC), which exist nowhere else after their day."""

    def __init__(self) -> None:
        self._salts: dict[date, bytes] = {}
        self._shared: set[date] = set()

    def of(self, day: date) -> bytes:
        """Return the salt of a day. Without PostgreSQL, it is one of this process."""
        return self._salts.setdefault(day, secrets.token_bytes(32))

    def is_shared(self, day: date) -> bool:
        """Return whether all processes use the same salt for a day."""
        return day in self._shared

    def share(self, day: date, salt: bytes) -> None:
        """Use the salt of a day that PostgreSQL has for all processes."""
        self._salts[day] = salt
        self._shared.add(day)

    def forget_before(self, day: date) -> None:
        """Forget the salts of earlier days."""
        self._salts = {kept: salt for kept, salt in self._salts.items() if kept >= day}
        self._shared = {kept for kept in self._shared if kept >= day}


class WaitingClicks:
    """The clicks that PostgreSQL has not counted yet."""

    def __init__(self, salts: Salts) -> None:
        self._salts = salts
        self._waiting: Counter[Key] = Counter()
        self._from_address: Counter[tuple[int, bytes]] = Counter()
        self._day = date.min
        self._lost = 0
        self._unstored = 0
        self._logged_at = -LOG_SECONDS

    def __len__(self) -> int:
        """Return how many people and sums of programs wait."""
        return len(self._waiting)

    def add_person(self, target_id: int, day: date, address: str, agent: str) -> None:
        """Keep the click of a person, or a request of a program if the address has too many."""
        salt = self._salts.of(day)
        if self._is_over_limit(target_id, day, visitors.address_hash(salt, address)):
            self.add_program(target_id, day)
        else:
            self._add((target_id, day, visitors.visitor_hash(salt, address, agent)))

    def add_program(self, target_id: int, day: date) -> None:
        """Keep a request that is no click of a person."""
        self._add((target_id, day, None))

    def take(self) -> list[Clicks]:
        """Remove and return the clicks that have waited longest, BATCH at most."""
        keys = [key for key, _ in zip(self._waiting, range(BATCH), strict=False)]
        return [Clicks(*key, self._waiting.pop(key)) for key in keys]

    def put_back(self, clicks: Sequence[Clicks]) -> None:
        """Keep clicks again that were not counted."""
        for each in clicks:
            self._add((each.target_id, each.day, each.hash), each.count)

    def lose(self, count: int) -> None:
        """Say in the metrics and once a minute in the log how many clicks are not counted.

        The number waits for PostgreSQL too (`take_lost`).
        """
        if count == 0:
            return
        metrics.LOST.inc(count)
        self._unstored += count
        self._lost += count
        if time.monotonic() - self._logged_at >= LOG_SECONDS:
            log.error("Clicks lost", clicks=self._lost)
            self._logged_at, self._lost = time.monotonic(), 0

    def take_lost(self) -> int:
        """Return how many clicks were lost since the last call, and begin again at zero."""
        taken, self._unstored = self._unstored, 0
        return taken

    def give_back_lost(self, count: int) -> None:
        """Add a number of lost clicks again that could not be stored."""
        self._unstored += count

    def _add(self, key: Key, count: int = 1) -> None:
        if key in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[key] += count
        else:
            self.lose(count)

    def _is_over_limit(self, target_id: int, day: date, address: bytes) -> bool:
        if day != self._day:
            self._day = day
            self._from_address.clear()
        key = (target_id, address)
        if key in self._from_address or len(self._from_address) < MOST_ADDRESSES:
            self._from_address[key] += 1
        return self._from_address[key] > MOST_FROM_ADDRESS
