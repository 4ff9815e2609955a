"""Let a process kill or stop itself at a named point in the product (a failpoint)."""

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
    "services.market.complaints": ("end_step",),
    "services.money.return_attempts": (
        *("claim", "record_refunded", "record_uncertain", "rescue_abandoned", "ask_again"),
    ),
}
"""The functions with failpoints, by module."""
REMOVAL = "services.posts.removal"
REMOVAL_FUNCTIONS = ("claim", "record", "begin_look", "record_look", "rescue_abandoned")
"""The functions with failpoints that only a removal of a post passes, at the end of a run."""
TELEGRAM_CALLS = {
    "bot.telegram.sender:Sender": ("send_ad", "check_post", "get_bot_rights", "probe"),
}
"""The methods with failpoints that call Telegram, by module and class."""
DELETION = ("bot.telegram.sender:Sender", "delete_post")
MOMENTS = ("before", "after", "before commit", "after commit")
LABEL = "failpoint"
# Without a longer wait, almost every process would die at one of these points.
FREQUENT = (
    *("posting.claim_due ", "rescue.rescue_abandoned "),
    *("uncertain_posts.claim_due ", "verification.claim_due "),
    *("return_attempts.rescue_abandoned ", "return_attempts.ask_again "),
    *("Sender.get_bot_rights ", "Sender.probe ", "removal.rescue_abandoned "),
)
"""The points that a process passes very often, by the beginning of their names."""


@dataclass(frozen=True)
class Failpoint:
    """The point at which a process sends a signal to itself, and the signal.

    After `patience_seconds`, the process also accepts other points. After twice that time, the
    process also accepts the points in FREQUENT.
    """

    point: str
    passing: int
    signal: int
    patience_seconds: float | None = None
    other_passings: int = 1


class _PassingCounter:
    def __init__(self, failpoint: Failpoint, report: Callable[[str], None]) -> None:
        self._failpoint = failpoint
        self._left = failpoint.passing
        self._others_left = failpoint.other_passings
        self._report = report
        self._begun = time.monotonic()

    def count(self, point: str) -> None:
        """Count a pass of a point.

        When the count is reached, report the point and send the signal.
        """
        if self._left == 0 or self._others_left == 0:
            return
        if point == self._failpoint.point:
            self._left -= 1
        elif self._accepts(point):
            self._others_left -= 1
        if self._left == 0 or self._others_left == 0:
            self._report(point)
            os.kill(os.getpid(), self._failpoint.signal)

    def _accepts(self, other_point: str) -> bool:
        """Return whether a pass of another point counts now."""
        if self._failpoint.patience_seconds is None:
            return False
        waited = (time.monotonic() - self._begun) / self._failpoint.patience_seconds
        return waited > 1 + other_point.startswith(FREQUENT)


def points() -> list[str]:
    """Return the names of all failpoints, in the form `module.function moment`."""
    names = []
    for module_name, functions in SERVICES.items():
        if (module := _module(module_name)) is not None:
            short = module_name.rpartition(".")[2]
            names += [
                f"{short}.{function} {moment}"
                for function in functions
                if hasattr(module, function)
                for moment in MOMENTS
            ]
    for class_name, functions in TELEGRAM_CALLS.items():
        cls = _class(class_name)
        names += [
            f"{class_name.rpartition(':')[2]}.{function} {moment}"
            for function in functions
            if hasattr(cls, function)
            for moment in ("before", "after")
        ]
    return names


def removal_points() -> list[str]:
    """Return the names of the failpoints that only a removal of a post passes."""
    class_name, method = DELETION
    return [
        *(
            f"{REMOVAL.rpartition('.')[2]}.{function} {moment}"
            for function in REMOVAL_FUNCTIONS
            for moment in MOMENTS
        ),
        *(f"{class_name.rpartition(':')[2]}.{method} {moment}" for moment in ("before", "after")),
    ]


def arm(failpoint: Failpoint, report: Callable[[str], None]) -> None:
    """Let this process send a signal to itself at a failpoint.

    Before the signal, the process calls `report` with the name of the point.
    """
    counter = _PassingCounter(failpoint, report)
    for module_name, functions in {**SERVICES, REMOVAL: REMOVAL_FUNCTIONS}.items():
        if (module := _module(module_name)) is not None:
            for function in functions:
                short = module_name.rpartition(".")[2]
                _wrap(module, function, short, counter, in_session=True)
    for class_name, functions in TELEGRAM_CALLS.items():
        for function in functions:
            short = class_name.rpartition(":")[2]
            _wrap(_class(class_name), function, short, counter, in_session=False)
    _wrap(_class(DELETION[0]), DELETION[1], "Sender", counter, in_session=False)
    _listen(counter)


def _listen(counter: _PassingCounter) -> None:
    # SQLAlchemy reports the end of a savepoint like a commit, but this is no commit.
    def before(session: Session) -> None:
        if session.in_nested_transaction():
            return
        if label := session.info.get(LABEL):
            counter.count(f"{label} before commit")

    def after(session: Session) -> None:
        if session.in_nested_transaction():
            return
        if label := session.info.get(LABEL):
            counter.count(f"{label} after commit")

    event.listen(Session, "before_commit", before)
    event.listen(Session, "after_commit", after)


def _wrap(
    owner: Any, name: str, owner_name: str, counter: _PassingCounter, *, in_session: bool
) -> None:
    if not hasattr(owner, name):
        return
    original = getattr(owner, name)
    label = f"{owner_name}.{name}"

    async def counted(*arguments: Any, **named: Any) -> Any:
        counter.count(f"{label} before")
        if in_session:
            arguments[0].sync_session.info[LABEL] = label
        result = await original(*arguments, **named)
        counter.count(f"{label} after")
        return result

    setattr(owner, name, counted)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _class(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
