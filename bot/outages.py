"""Log that a service does not answer."""

import time

import structlog

LOG_SECONDS = 60.0
"""The shortest time between two lines about one service, in seconds."""
DATABASE = "PostgreSQL"
REDIS = "Redis"
TELEGRAM = "Telegram"

log = structlog.get_logger(__name__)
_last_lines: dict[str, float] = {}


def may_log(what: str) -> bool:
    """Return whether a line about the service `what` is due, at most one time in LOG_SECONDS."""
    now = time.monotonic()
    if now - _last_lines.get(what, -LOG_SECONDS) < LOG_SECONDS:
        return False
    _last_lines[what] = now
    return True


def log_away(what: str, *, cause: str) -> None:
    """Log that the service `what` does not answer, at most one time in LOG_SECONDS."""
    if may_log(what):
        log.warning("away: waiting for it", what=what, cause=cause)


def cause_of(error: BaseException) -> str:
    """Return the class and the text of an error of Redis in one line, without a password."""
    # Sentinel's client adds its whole configuration.
    words = " ".join(str(error).partition(" : <")[0].split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
