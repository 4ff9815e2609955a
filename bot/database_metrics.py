"""Measure the connection pools and the conflicts of the database engines of a process."""

from typing import cast

from prometheus_client import Gauge
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from bot import metrics

POOL = Gauge(
    "adtech_database_pool_connections", "Connections of a pool by state", ["pool", "state"]
)


def watch(engine: AsyncEngine, name: str) -> None:
    """Show the pool of an engine as metrics under `name`, and count the engine's conflicts."""
    pool = cast("QueuePool", engine.sync_engine.pool)
    POOL.labels(name, "in_use").set_function(pool.checkedout)
    POOL.labels(name, "idle").set_function(pool.checkedin)
    POOL.labels(name, "largest").set_function(pool.size)
    event.listen(engine.sync_engine, "handle_error", _count)


def _count(context: ExceptionContext) -> None:
    metrics.count_database_error(context.sqlalchemy_exception or context.original_exception)
