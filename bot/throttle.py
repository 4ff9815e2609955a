"""Limit how many updates of one person the bot handles in a minute."""

import time
from enum import Enum, auto
from typing import Any

PER_MINUTE = 120
"""How many messages and presses of one person are handled in a minute."""
MINUTE = 60.0
_MAX_PEOPLE = 10_000
"""Above this number of counted people, old counts are removed."""
_PAYMENTS = ("successful_payment", "refunded_payment")


class Verdict(Enum):
    """What the worker does with an update."""

    HANDLE = auto()
    DROP_AND_TELL = auto()
    """Drop the update and notify the person, one time in a minute."""
    DROP = auto()


class Throttle:
    """The limiter that counts each person's messages and presses."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._counts: dict[int, tuple[float, int]] = {}

    def judge(self, payload: dict[str, Any]) -> Verdict:
        """Count an update, and return what to do with it.

        `payload` is raw JSON that is not trusted. Payments are always handled.
        """
        person_id, _ = sender(payload)
        if person_id is None:
            return Verdict.HANDLE
        now = time.monotonic()
        began, count = self._counts.get(person_id, (now, 0))
        if now - began >= MINUTE:
            began, count = now, 0
        self._counts[person_id] = began, count + 1
        self._remove_old(now)
        if count < self._per_minute:
            return Verdict.HANDLE
        return Verdict.DROP_AND_TELL if count == self._per_minute else Verdict.DROP

    def _remove_old(self, now: float) -> None:
        if len(self._counts) > _MAX_PEOPLE:
            self._counts = {
                person_id: (began, count)
                for person_id, (began, count) in self._counts.items()
                if now - began < MINUTE
            }


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
