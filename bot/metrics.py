"""Define the metrics for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiogram.types import Update
from prometheus_client import Counter, Gauge, Histogram

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
SCHEDULER_LAG = Gauge(
    "adtech_scheduler_loop_lag_seconds",
    "Longest lag of a scheduler's event loop before its last heartbeat",
)


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
