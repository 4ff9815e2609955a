"""Test what the processes count about operations, updates and conflicts."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import database_metrics, metrics, recent_events
from bot.context import DatabaseAwayError, database_errors
from db.session import create_engine, create_sessions
from services.platform import errors
from tests.conftest import Database
from tests.handlers.marketplace import Marketplace


def counted(operation: str, outcome: str) -> float:
    """Return how often an operation had an outcome."""
    labels = {"operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("adtech_operations_total", labels) or 0.0


def sample(name: str, **labels: str) -> float:
    """Return the value of a metric, or 0."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_buttons_of_the_marketplace_are_measured(market: Marketplace) -> None:
    before = {
        (operation, outcome): counted(operation, outcome)
        for operation in ("activate", "submit", "approve", "hold")
        for outcome in ("done", "refused")
    }
    updates = sample("adtech_updates_total", kind="message")
    timed = sample("adtech_operation_seconds_count", operation="approve")
    await market.give("advertiser", 20_000)
    await market.connect_channel()
    await market.make_campaign()
    await market.submit()
    await market.press("admin", "✅ Approve", where="group")
    added = {key: counted(*key) - value for key, value in before.items()}
    assert added[("activate", "done")] == 1
    assert added[("submit", "done")] == 1
    assert added[("approve", "done")] == 1
    assert added[("hold", "done")] == 1
    assert added[("hold", "refused")] == 0
    assert sample("adtech_operation_seconds_count", operation="approve") == timed + 1
    await market.say("advertiser", "/start")
    assert sample("adtech_updates_total", kind="message") > updates


def test_a_refused_hold_is_no_failure() -> None:
    before = counted("hold", "refused")
    failures = recent_events.counts()["hold_failures"]
    with pytest.raises(errors.InsufficientFunds), metrics.measuring("approve"):
        raise errors.InsufficientFunds(1, 2, 1, "USD")
    with pytest.raises(errors.NotFound), metrics.measuring("approve"):
        raise errors.NotFound("target", 1)
    assert counted("hold", "refused") == before + 1
    assert recent_events.counts()["hold_failures"] == failures


async def test_a_timeout_and_a_conflict_of_the_database_are_counted(database: Database) -> None:
    engine = create_engine(database.url)
    database_metrics.watch(engine, "test")
    conflicts = sample("adtech_conflicts_total", kind="time_limit")
    timeouts = recent_events.counts()["approve_timeouts"]

    async def sleep_too_long() -> None:
        async with database_errors(), create_sessions(engine).begin() as session:
            assert sample("adtech_database_pool_connections", pool="test", state="in_use") == 0
            await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
            assert sample("adtech_database_pool_connections", pool="test", state="in_use") == 1
            await session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(DatabaseAwayError), metrics.measuring("approve"):
        await sleep_too_long()
    await engine.dispose()
    assert sample("adtech_conflicts_total", kind="time_limit") == conflicts + 1
    assert recent_events.counts()["approve_timeouts"] == timeouts + 1


async def test_an_unexpected_error_is_a_failure() -> None:
    failures = recent_events.counts()["approve_failures"]
    with pytest.raises(ZeroDivisionError), metrics.measuring("approve"):
        raise ZeroDivisionError
    assert recent_events.counts()["approve_failures"] == failures + 1
    assert counted("approve", "failed") >= 1


async def test_a_syntax_error_is_no_conflict(database: Database) -> None:
    engine = create_engine(database.url)
    database_metrics.watch(engine, "test")
    before = recent_events.counts()["conflicts"]
    async with create_sessions(engine)() as session:
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT nothing"))
    await engine.dispose()
    assert recent_events.counts()["conflicts"] == before
