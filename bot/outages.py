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


def log_away(what: str, *, cause: str) -> None:
    """Log that the service `what` does not answer, at most one time in LOG_SECONDS."""
    now = time.monotonic()
    if now - _last_lines.get(what, -LOG_SECONDS) >= LOG_SECONDS:
        _last_lines[what] = now
        log.warning("away: waiting for it", what=what, cause=cause)


def cause_of(error: BaseException) -> str:
    """Return the class and the text of an error of Redis in one line, without a password."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
