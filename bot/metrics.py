"""Count the bot's updates, errors and refusals for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiogram.types import Update
from prometheus_client import Counter, Histogram

UPDATES = Counter("adtech_updates_total", "Updates handled", ["kind"])
UPDATE_ERRORS = Counter("adtech_update_errors_total", "Updates whose handler failed", ["error"])
DROPPED = Counter("adtech_updates_dropped_total", "Updates dropped because a person sent too many")
REFUSALS = Counter("adtech_refusals_total", "Refusals told to people", ["error"])
SECONDS = Histogram("adtech_update_seconds", "Time to handle an update", ["kind"])


@contextmanager
def handling(update: Update) -> Iterator[None]:
    """Count one update, and measure the seconds that its handler takes."""
    kind = next(iter(update.model_fields_set - {"update_id"}), "unknown")
    begun = time.perf_counter()
    try:
        yield
    finally:
        UPDATES.labels(kind).inc()
        SECONDS.labels(kind).observe(time.perf_counter() - begun)
