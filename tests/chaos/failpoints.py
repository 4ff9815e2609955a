"""Places in the product where a process can be made to die or to stop, without touching it.

A forked scheduler calls `arm` before it runs. Named functions are wrapped where they live, which
works because callers import modules and not functions; the moments around a commit are SQLAlchemy's
events, told apart by the service that used the session last. When the chosen point has been passed
often enough, the process says so through a pipe and signals itself.
"""

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

SERVICES = {
    "services.posts.posting": (
        *("claim_due", "begin_sends", "record_published", "release_claim"),
        *("record_refused", "record_not_sent", "record_uncertain"),
    ),
    "services.posts.rescue": ("rescue_abandoned",),
    "services.posts.uncertain_posts": (
        *("claim_due", "record_found", "record_absent", "record_unknown"),
    ),
    "services.posts.verification": ("claim_due", "record_check"),
    "services.money.escrow": ("release", "refund"),
}
"""Functions whose first argument is the session; a name that does not exist is passed over."""
WIRES = {
    "bot.telegram.sender:Sender": ("send_ad", "check_post", "get_bot_rights", "probe"),
}
MOMENTS = ("before", "after", "before commit", "after commit")
LABEL = "failpoint"
OFTEN = (
    *("posting.claim_due ", "rescue.rescue_abandoned "),
    *("uncertain_posts.claim_due ", "verification.claim_due "),
    *("Sender.get_bot_rights ", "Sender.probe "),
)
"""Points that are passed again and again, where there is nothing to do or many times for one post:
were these as good as others, almost everybody would die there and nothing ever be found."""


@dataclass(frozen=True)
class Failpoint:
    """Where, at which passing, and by which signal.

    A point that is not reached within `patience` seconds is given up for whatever comes first,
    rare points before those passed OFTEN: so many passings of any others, then.
    """

    point: str
    passing: int
    signal: int
    patience: float | None = None
    then: int = 1


class Fuse:
    """Counts the passings of its points; burns once."""

    def __init__(self, failpoint: Failpoint, report: Callable[[str], None]) -> None:
        self._failpoint = failpoint
        self._left = failpoint.passing
        self._others_left = failpoint.then
        self._report = report
        self._lit = time.monotonic()

    def passing(self, point: str) -> None:
        """Do what was planned if this is the moment."""
        if self._left == 0 or self._others_left == 0:
            return
        if point == self._failpoint.point:
            self._left -= 1
        elif self._will_do(point):
            self._others_left -= 1
        if self._left == 0 or self._others_left == 0:
            self._report(point)
            os.kill(os.getpid(), self._failpoint.signal)

    def _will_do(self, point: str) -> bool:
        """Tell whether another point is as good by now."""
        if self._failpoint.patience is None:
            return False
        waited = (time.monotonic() - self._lit) / self._failpoint.patience
        return waited > 1 + point.startswith(OFTEN)


def points() -> list[str]:
    """All points of this version of the product, as `module.function moment`."""
    found = []
    for name, functions in SERVICES.items():
        if (module := _module(name)) is not None:
            short = name.rpartition(".")[2]
            found += [
                f"{short}.{function} {moment}"
                for function in functions
                if hasattr(module, function)
                for moment in MOMENTS
            ]
    for name, functions in WIRES.items():
        place = _place(name)
        found += [
            f"{name.rpartition(':')[2]}.{function} {moment}"
            for function in functions
            if hasattr(place, function)
            for moment in ("before", "after")
        ]
    return found


def arm(failpoint: Failpoint, report: Callable[[str], None]) -> None:
    """Wrap everything, for the length of this process's life."""
    fuse = Fuse(failpoint, report)
    for name, functions in SERVICES.items():
        if (module := _module(name)) is not None:
            for function in functions:
                _wrap(module, function, name.rpartition(".")[2], fuse, in_session=True)
    for name, functions in WIRES.items():
        for function in functions:
            _wrap(_place(name), function, name.rpartition(":")[2], fuse, in_session=False)
    _listen(fuse)


def _listen(fuse: Fuse) -> None:
    # A savepoint's end is reported like a commit, and is none.
    def before(session: Session) -> None:
        if session.in_nested_transaction():
            return
        if label := session.info.get(LABEL):
            fuse.passing(f"{label} before commit")

    def after(session: Session) -> None:
        if session.in_nested_transaction():
            return
        if label := session.info.get(LABEL):
            fuse.passing(f"{label} after commit")

    event.listen(Session, "before_commit", before)
    event.listen(Session, "after_commit", after)


def _wrap(place: Any, name: str, owner: str, fuse: Fuse, *, in_session: bool) -> None:
    if not hasattr(place, name):
        return
    living = getattr(place, name)
    label = f"{owner}.{name}"

    async def failing(*arguments: Any, **named: Any) -> Any:
        fuse.passing(f"{label} before")
        if in_session:
            arguments[0].sync_session.info[LABEL] = label
        result = await living(*arguments, **named)
        fuse.passing(f"{label} after")
        return result

    setattr(place, name, failing)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _place(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
