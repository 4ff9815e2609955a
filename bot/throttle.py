"""Limit how many updates of one person the bot handles in a minute.

The counts are in the memory of the one process that handles updates.
"""

import time
from enum import Enum, auto
from typing import Any

PER_MINUTE = 120
"""How many messages and presses of one person are handled in a minute. People need far fewer."""
MINUTE = 60.0
_MAX_PEOPLE = 10_000
"""If there are counts of more people than this, the counts older than a minute are removed."""
_PAYMENTS = ("successful_payment", "refunded_payment")


class Verdict(Enum):
    """What the worker does with an update."""

    HANDLE = auto()
    DROP_AND_TELL = auto()
    """Drop the update and notify the person. Only the first update above the limit in a minute gets
    this verdict."""
    DROP = auto()


class Throttle:
    """The counts of each person's messages and presses, and the decision about each update."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        """Start without counts. `per_minute` is the limit of each person."""
        self._per_minute = per_minute
        self._counts: dict[int, tuple[float, int]] = {}

    def judge(self, payload: dict[str, Any]) -> Verdict:
        """Count an update, and return what to do with it.

        Only messages and presses of buttons are counted. Payments and all other types of updates
        are always handled. The update is raw JSON that is not trusted: any part may be missing or
        of another type.
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
    """Return two values about the sender of a message or a press: the id and the language code.

    Both values are None for a payment and for all other updates. If the update has no language
    code, only the code is None.
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
