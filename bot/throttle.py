"""Limit how many updates of one person the bot handles in a minute."""

import time
from enum import Enum, auto
from typing import Any

PER_MINUTE = 120
"""How many messages and presses of one person are handled in a minute."""
MINUTE = 60.0
DENIED_PER_HOUR = 60
"""How many refused acts of one person without a role are written to the audit log in an hour."""
HOUR = 3_600.0
MAX_PEOPLE = 10_000
"""The largest number of counted people. Above it, the oldest counts are removed."""
_PAYMENTS = ("successful_payment", "refunded_payment")


class Verdict(Enum):
    """The way in which the worker treats an update."""

    HANDLE = auto()
    DROP_AND_NOTIFY = auto()
    """Drop the update and notify the person, one time in a minute."""
    DROP = auto()


class _Counts:
    """The counts of people's acts, each in a window of time that begins with the first act."""

    def __init__(self) -> None:
        # The dict is in the order of the windows' beginnings.
        self._counts: dict[int, tuple[float, int]] = {}

    def add(self, person_id: int, seconds: float) -> int:
        """Count an act, and return how many acts the window of `seconds` had before."""
        now = time.monotonic()
        began, count = self._counts.get(person_id, (now, 0))
        if now - began >= seconds:
            del self._counts[person_id]
            began, count = now, 0
        self._counts[person_id] = began, count + 1
        while len(self._counts) > MAX_PEOPLE:
            del self._counts[next(iter(self._counts))]
        return count

    def get(self, person_id: int, seconds: float) -> int:
        """Return how many acts the present window of `seconds` has."""
        began, count = self._counts.get(person_id, (0.0, 0))
        return count if time.monotonic() - began < seconds else 0


class Throttle:
    """The limiter that counts each person's messages and presses, and their refused acts.

    Updates are counted when they are stored and when they are handled. The first update that is
    not handled is stored, because it tells the person so. Those after it are not even stored.
    """

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._stored = _Counts()
        self._handled = _Counts()
        self._denied = _Counts()

    def judge(self, payload: dict[str, Any]) -> Verdict:
        """Count an update, and return what to do with it.

        `payload` is raw JSON that is not trusted. Payments are always handled.
        """
        person_id, _ = sender(payload)
        if person_id is None:
            return Verdict.HANDLE
        count = self._handled.add(person_id, MINUTE)
        if count < self._per_minute:
            return Verdict.HANDLE
        return Verdict.DROP_AND_NOTIFY if count == self._per_minute else Verdict.DROP

    def may_store(self, payload: dict[str, Any]) -> bool:
        """Return whether an update has to be stored. Payments always have to.

        `payload` is raw JSON that is not trusted.
        """
        person_id, _ = sender(payload)
        return person_id is None or self._stored.get(person_id, MINUTE) <= self._per_minute

    def count_stored(self, payload: dict[str, Any]) -> None:
        """Count an update that this process has stored."""
        person_id, _ = sender(payload)
        if person_id is not None:
            self._stored.add(person_id, MINUTE)

    def may_audit(self, user_id: int) -> bool:
        """Count a refused act of a person, and return whether it gets an audit row."""
        # The audit log is never shortened, so strangers must not be able to fill it.
        return self._denied.add(user_id, HOUR) < DENIED_PER_HOUR


def sender(payload: dict[str, Any]) -> tuple[int | None, str | None]:
    """Return the id and the language code of the sender of a message or a press.

    Both are None for a payment and for any other type of update.
    """
    for kind in ("message", "edited_message", "callback_query"):
        content = payload.get(kind)
        if not isinstance(content, dict) or any(part in content for part in _PAYMENTS):
            continue
        person = content.get("from")
        if not isinstance(person, dict) or not isinstance(person.get("id"), int):
            continue
        code = person.get("language_code")
        return person["id"], code if isinstance(code, str) else None
    return None, None
