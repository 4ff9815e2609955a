"""Define the metrics for Prometheus that each process counts itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiogram.types import Update
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot import recent_events
from bot.context import AlreadyHandledError
from db.session import is_away, sqlstate
from services.platform import errors

UPDATES = Counter("adtech_updates_total", "Updates handled", ["kind"])
UPDATE_ERRORS = Counter("adtech_update_errors_total", "Updates whose handler failed", ["error"])
DROPPED = Counter("adtech_updates_dropped_total", "Updates dropped because a person sent too many")
REFUSALS = Counter("adtech_refusals_total", "Refusals told to people", ["error"])
SECONDS = Histogram("adtech_update_seconds", "Time to handle an update", ["kind"])
LOOP_LAG = Histogram(
    "adtech_event_loop_lag_seconds",
    "How late the event loop of this process is",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LOOP_HELD = Counter(
    "adtech_event_loop_held_total", "Times that code held the event loop over a second", ["where"]
)
OPERATION_NAMES = (
    "activate",
    "pause",
    "resume",
    "cancel",
    "submit",
    "approve",
    "hold",
    "release",
    "refund",
)
OPERATIONS = Counter(
    "adtech_operations_total",
    "Operations by outcome: done, refused, repeated, timeout, conflict, failed",
    ["operation", "outcome"],
)
OPERATION_SECONDS = Histogram(
    "adtech_operation_seconds",
    "Time of an operation, from the begin of its transaction to the commit",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
POSTS = Counter("adtech_posts_total", "Sends of ads by outcome", ["outcome"])
CONFLICTS = Counter(
    "adtech_conflicts_total",
    "Refusals because of a stale state, a deadlock, a lock time-out or a time limit",
    ["kind"],
)
LIMITER_WAIT = Histogram(
    "adtech_rate_limiter_wait_seconds",
    "Time that a message waited for its slot",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 3, 5, 10, 30),
)
THROTTLED = Counter("adtech_telegram_throttled_total", "Answers of Telegram with status 429")
TELEGRAM_ERRORS = Counter(
    "adtech_telegram_errors_total", "Calls of Telegram without a usable answer", ["what"]
)
POLL_CONFLICTS = Counter(
    "adtech_poll_conflicts_total", "Polls that Telegram ended because somebody else polls too"
)
TICK_SECONDS = Histogram(
    "adtech_tick_seconds",
    "Time of one run of a tick of the scheduler",
    ["tick"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300),
)
TICK_DONE = Gauge(
    "adtech_tick_last_success_timestamp_seconds",
    "When a tick of this scheduler last ended without an error",
    ["tick"],
)
REDIS_AWAY = Gauge("adtech_redis_away", "Whether Redis does not answer this process")
DATABASE_AWAY = Gauge("adtech_database_away", "Whether PostgreSQL does not answer this process")
WEBHOOK_FOREIGN = Gauge(
    "adtech_webhook_foreign", "Whether Telegram had a webhook that this bot has not set"
)
SCHEDULERS_MISSING = Gauge(
    "adtech_schedulers_missing", "Whether this bot sees no heartbeat of a scheduler"
)

SLOW_APPROVAL_SECONDS = 0.5
"""The production checklist asks that 95 of 100 approvals take less time than this."""
_HOLD_REFUSALS = (errors.InsufficientFunds, errors.SwitchStopped)
_TIMEOUT_STATES = ("55P03", "25P04", "57014")
_CONFLICT_KINDS = {
    "40001": "serialization",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "25P04": "time_limit",
    "57014": "time_limit",
}
# Prometheus sees no increase if a series begins with 1. So what the alert rules and the dashboard
# name begins with 0.
for _operation in OPERATION_NAMES:
    for _outcome in ("done", "refused", "timeout", "conflict", "failed"):
        OPERATIONS.labels(_operation, _outcome)
for _kind in ("stale", *_CONFLICT_KINDS.values()):
    CONFLICTS.labels(_kind)
for _what in ("post", "message", "poll", "webhook"):
    TELEGRAM_ERRORS.labels(_what)
OPERATION_SECONDS.labels("approve")

_STALE = (errors.InvalidMove, errors.TermsChanged, errors.EscrowNotHeld, errors.ProposalEnded)
"""The refusals of an act on a state that somebody else has changed meanwhile."""


@contextmanager
def handling(update: Update) -> Iterator[None]:
    """Count one update, and measure the seconds of its handler."""
    kind = next(iter(update.model_fields_set - {"update_id"}), "unknown")
    begun = time.perf_counter()
    try:
        yield
    finally:
        UPDATES.labels(kind).inc()
        SECONDS.labels(kind).observe(time.perf_counter() - begun)


@contextmanager
def measuring(operation: str, *, counts: bool = True) -> Iterator[None]:
    """Measure one operation and count its outcome. An approval counts as a hold of money too.

    `operation` is one of OPERATION_NAMES. `counts` is False for an act of a tester (a person whose
    acts no report counts).
    """
    begun, outcome = time.perf_counter(), "done"
    hold: str | None = "done"
    try:
        yield
    except errors.DomainError as refusal:
        outcome = "refused"
        hold = "refused" if isinstance(refusal, _HOLD_REFUSALS) else None
        raise
    except AlreadyHandledError:
        outcome, hold = "repeated", None
        raise
    except Exception as error:
        outcome = hold = _outcome_of(error)
        raise
    finally:
        seconds = time.perf_counter() - begun
        if counts:
            OPERATIONS.labels(operation, outcome).inc()
            OPERATION_SECONDS.labels(operation).observe(seconds)
        if operation == "approve":
            _count_approval(outcome, hold, seconds)


def _outcome_of(error: BaseException) -> str:
    """Return `timeout`, `conflict` or `failed` for an unexpected error of an operation."""
    # `DatabaseAwayError` hides the error of the database.
    root = error.__cause__ or error
    state = sqlstate(root)
    if state in _TIMEOUT_STATES or isinstance(root, TimeoutError | PoolTimeoutError):
        return "timeout"
    return "conflict" if state in _CONFLICT_KINDS and not is_away(root) else "failed"


def _count_approval(outcome: str, hold: str | None, seconds: float) -> None:
    recent_events.note("approvals")
    if seconds > SLOW_APPROVAL_SECONDS:
        recent_events.note("approvals_slow")
    if outcome in ("failed", "timeout"):
        recent_events.note("approve_failures" if outcome == "failed" else "approve_timeouts")
        recent_events.note("hold_failures")
    if hold is not None:
        OPERATIONS.labels("hold", hold).inc()


def count_refusal(refusal: errors.DomainError) -> None:
    """Count a refusal that a person reads, and a conflict if the state was stale."""
    REFUSALS.labels(type(refusal).__name__).inc()
    if isinstance(refusal, _STALE):
        _count_conflict("stale")


def count_database_error(error: BaseException) -> None:
    """Count an error of the database if it is a conflict."""
    if (kind := _CONFLICT_KINDS.get(sqlstate(error))) is not None:
        _count_conflict(kind)


def count_telegram_error(what: str) -> None:
    """Count a call of Telegram without a usable answer. `what` is the kind of call."""
    TELEGRAM_ERRORS.labels(what).inc()
    recent_events.note("telegram_errors")


def count_poll_conflict() -> None:
    """Count a poll that Telegram ended because another process polls with the same token."""
    POLL_CONFLICTS.inc()
    recent_events.note("poll_conflicts")


def _count_conflict(kind: str) -> None:
    CONFLICTS.labels(kind).inc()
    recent_events.note("conflicts")
