"""Log that a service does not work for this process, and measure for how long."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from db.session import NO_SOCKET, OTHER_FAILURE, cause, failure_kind

LOG_SECONDS = 60.0
"""The shortest time between two lines about one service, in seconds."""
CALM_SECONDS = 30.0
"""An outage is over when the service has not failed for this time, in seconds.

A full disk lets some writes through, so one success does not end an outage. This time is longer
than the pause between two attempts that wait for the longest statement.
"""
LONG_SECONDS = 20.0
"""People are told about an outage that lasts longer than this, in seconds."""
DATABASE = "PostgreSQL"
REDIS = "Redis"
TELEGRAM = "Telegram"
_GONE = ". No such file or directory."
"""The end of Redis's words about a socket that is gone, which read as if a file were missing."""
_FACT = "database_outage_"
"""The beginning of the name of a heartbeat's fact about a long outage."""

log = structlog.get_logger(__name__)


@dataclass
class _Outage:
    """The failures of one service without a pause of CALM_SECONDS."""

    first_at: float
    last_at: float
    kind: str
    """Why the service fails, for the database a result of `failure_kind`."""
    is_logged: bool = False
    """Whether a line of the log says that the service is away."""


_last_lines: dict[str, float] = {}
_outages: dict[str, _Outage] = {}


def note_failure(what: str, kind: str = OTHER_FAILURE) -> None:
    """Note that the service `what` has failed now, and why."""
    now = time.monotonic()
    take_ended(what)
    outage = _outages.setdefault(what, _Outage(now, now, kind))
    outage.last_at = now
    if kind != OTHER_FAILURE:
        outage.kind = kind


def lasting_seconds(what: str) -> float:
    """Return the time from the first to the last failure of an outage; 0.0 without an outage."""
    outage = _outages.get(what)
    if outage is None or _is_over(outage):
        return 0.0
    return outage.last_at - outage.first_at


def failed_at(what: str) -> float:
    """Return the time of `time.monotonic()` of the last failure of the service, or -infinity."""
    outage = _outages.get(what)
    return float("-inf") if outage is None else outage.last_at


def is_long(what: str) -> bool:
    """Return whether an outage of the service `what` lasts longer than LONG_SECONDS."""
    return lasting_seconds(what) > LONG_SECONDS


def kind_of(what: str) -> str:
    """Return why the service `what` fails: OTHER_FAILURE without an outage or a known cause."""
    outage = _outages.get(what)
    return OTHER_FAILURE if outage is None else outage.kind


def long_outages_of_database() -> dict[str, float]:
    """Return the kind of a long outage of the database with its seconds, for the heartbeat."""
    if not is_long(DATABASE):
        return {}
    return {f"{_FACT}{kind_of(DATABASE)}": lasting_seconds(DATABASE)}


def kind_in(facts: Mapping[str, float]) -> str | None:
    """Return the kind of a long outage of the database among a process's facts, or None."""
    kinds = [name.removeprefix(_FACT) for name in facts if name.startswith(_FACT)]
    return kinds[0] if kinds else None


def take_ended(what: str) -> float | None:
    """Forget an outage that is over, and return how long it lasted; otherwise return None."""
    outage = _outages.get(what)
    if outage is None or not _is_over(outage):
        return None
    del _outages[what]
    return outage.last_at - outage.first_at


def _is_over(outage: _Outage) -> bool:
    return time.monotonic() - outage.last_at >= CALM_SECONDS


def may_log(what: str) -> bool:
    """Return whether a line about the service `what` is due, at most one time in LOG_SECONDS."""
    now = time.monotonic()
    if now - _last_lines.get(what, -LOG_SECONDS) < LOG_SECONDS:
        return False
    _last_lines[what] = now
    return True


def log_away(what: str, *, why: str, kind: str = OTHER_FAILURE) -> None:
    """Note that the service `what` has failed, and log it at most one time in LOG_SECONDS."""
    note_failure(what, kind)
    if may_log(what):
        _outages[what].is_logged = True
        log.warning("away: waiting for it", what=what, cause=why)


def log_ended(*services: str) -> None:
    """Log each outage of these services that is over and was logged, and forget it."""
    for what in services:
        outage = _outages.get(what)
        if outage is not None and outage.is_logged and (seconds := take_ended(what)) is not None:
            log.warning("works again", what=what, seconds=round(seconds))


def log_database_away(error: BaseException) -> None:
    """Note that the database has failed, and log it at most one time in LOG_SECONDS."""
    log_away(DATABASE, why=cause(error), kind=failure_kind(error))


def cause_of(error: BaseException) -> str:
    """Return the class and the text of an error of Redis in one line, without a password."""
    # Sentinel's client adds its whole configuration.
    words = " ".join(str(error).partition(" : <")[0].split())
    if words.endswith(_GONE):
        return f"{words.removesuffix(_GONE)}: {NO_SOCKET}"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
