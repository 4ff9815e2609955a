"""Test that a bot shows that it is alive, and that it reports a missing scheduler by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from asyncpg import DiskFullError, PostgresError
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import make_url, text

from bot import outages, process_watch
from bot.context import DatabaseAwayError, Dependencies
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.process_watch import ProcessWatch
from db.session import create_engine, create_sessions
from services.platform import alerts as stored_alerts
from services.platform import heartbeats
from tests.factories import breakage
from tests.factories.alert_receiver import WebReceiver, web_receiver
from tests.handlers.marketplace import Marketplace

WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = 'heartbeats' AND NOT granted
"""


@pytest.fixture
async def receiver() -> AsyncIterator[WebReceiver]:
    """Run the web server that gets urgent alerts."""
    async with web_receiver() as receiver:
        yield receiver


async def watch(
    market: Marketplace, receiver: WebReceiver, dependencies: Dependencies | None = None
) -> ProcessWatch:
    """Return the watch of a bot process that takes updates."""
    dependencies = dependencies or market.dependencies
    settings = dependencies.settings.model_copy(
        update={"alert_webhook_url": SecretStr(receiver.url)}
    )
    election = LeaderElection(
        market.database.sessions, lease="polling", owner="one", ttl=timedelta(minutes=5)
    )
    await election.acquire_or_renew()
    return ProcessWatch(
        dependencies=replace(dependencies, settings=settings),
        bot=market.bot,
        election=election,
        owner="one",
        loop_watch=LoopWatch(),
        start_seconds=0,
    )


async def scheduler_beats(market: Marketplace, **facts: float) -> None:
    """Write a heartbeat of a scheduler."""
    async with market.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="clock", name=heartbeats.SCHEDULER, facts=facts)


async def alerts(market: Marketplace) -> list[str]:
    """Return the texts of the alerts in the admin chat, without the lines about Redis."""
    return [m["text"] for m in await market.messages("group") if "scheduler" in (m["text"] or "")]


async def test_a_dead_scheduler_is_told_once_by_the_bot(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market)
    await watching.watch_once()
    assert await alerts(market) == []
    await market.database.as_owner(
        "UPDATE heartbeats SET beat_at = now() - interval '21 seconds' WHERE owner = 'clock'"
    )
    await watching.watch_once()
    await watching.watch_once()
    await (await watch(market, receiver)).watch_once()
    [alert] = await alerts(market)
    assert alert.splitlines()[0].startswith("🚨 No scheduler gives a sign of life")
    assert alert.splitlines()[1] == "/health"
    await scheduler_beats(market)
    await watching.watch_once()
    assert (await alerts(market))[1].startswith("✅ Over: No scheduler")
    sent = [(alert["alert"], alert["status"]) for alert in receiver.alerts]
    assert sent == [("scheduler_missing", "firing"), ("scheduler_missing", "resolved")]


async def test_the_bots_own_alarms_are_in_the_language_of_the_staff(
    market: Marketplace, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.database.as_owner("UPDATE users SET language = 'ru'")
    watching = await watch(market, receiver)
    await watching.watch_once()
    assert "Ни один планировщик" in await market.last("group")
    assert receiver.alerts[0]["text"].startswith("🚨 Ни один планировщик")
    assert receiver.alerts[0]["command"] == "adtech health"
    monkeypatch.setattr(outages, "LONG_SECONDS", -1.0)
    async with unreachable_database(market) as dependencies:
        watching._dependencies = replace(dependencies, settings=watching._dependencies.settings)
        await watching.watch_once()
    assert "PostgreSQL не отвечает" in await market.last("group")
    assert "PostgreSQL не отвечает" in receiver.alerts[-1]["text"]


async def test_the_heartbeat_carries_what_the_process_has_counted(
    market: Marketplace, receiver: WebReceiver
) -> None:
    await (await watch(market, receiver)).watch_once()
    async with market.database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name=heartbeats.BOT)
        # Redis is not available in this test.
        assert (await heartbeats.sum_facts(session))["redis_away"] == 1


async def test_an_alert_that_did_not_arrive_is_sent_again(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await market.world.control("faults", method="sendMessage", kind="refuse_before")
    await watching.watch_once()
    assert await alerts(market) == []
    await watching.watch_once()
    assert len(await alerts(market)) == 1


@asynccontextmanager
async def unreachable_database(market: Marketplace) -> AsyncIterator[Dependencies]:
    """Yield dependencies whose database refuses connections."""
    engine = create_engine("postgresql://adtech_app@127.0.0.1:1/adtech")
    yield replace(market.dependencies, sessions=create_sessions(engine))
    await engine.dispose()


async def test_a_database_that_is_away_is_told_once(
    market: Marketplace, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with unreachable_database(market) as dependencies:
        watching = await watch(market, receiver, dependencies)
        await watching.watch_once()
        assert receiver.alerts == []
        monkeypatch.setattr(outages, "LONG_SECONDS", 0.0)
        await watching.watch_once()
        await watching.watch_once()
    assert [(alert["alert"], alert["status"]) for alert in receiver.alerts] == [
        ("database_away", "firing")
    ]
    assert REGISTRY.get_sample_value("adtech_database_away") == 1
    assert "PostgreSQL does not answer" in await market.last("group")
    assert "If its data are lost, restore a backup: docs/incidents.md" in await market.last("group")


@pytest.mark.parametrize(
    ("language", "gone", "advice"),
    [
        ("en", "the product's database is gone", "restore the newest backup: docs/incidents.md"),
        ("ru", "базы продукта в нём нет", "восстановите последнюю резервную копию"),
    ],
)
async def test_a_database_that_is_gone_needs_a_backup(
    language: str,
    gone: str,
    advice: str,
    market: Marketplace,
    receiver: WebReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await market.database.as_owner("UPDATE users SET language = $1", language)
    watching = await watch(market, receiver)
    await watching.watch_once()
    monkeypatch.setattr(outages, "LONG_SECONDS", -1.0)
    engine = create_engine(
        make_url(market.database.url).set(database="nowhere").render_as_string(hide_password=False)
    )
    lost = replace(watching._dependencies, sessions=create_sessions(engine))
    watching._dependencies = lost
    await watching.watch_once()
    await engine.dispose()
    assert gone in await market.last("group")
    assert advice in await market.last("group")
    assert gone in receiver.alerts[-1]["text"]


async def test_the_bot_after_a_restore_says_that_the_database_is_back(
    market: Marketplace, receiver: WebReceiver
) -> None:
    await scheduler_beats(market)
    async with market.database.sessions.begin() as session:
        await stored_alerts.assume_firing(session, watcher="bot", name="database_away")
    watching = await watch(market, receiver)
    for _ in range(2):
        await watching.watch_once()
    said = [m["text"] for m in await market.messages("group") if "PostgreSQL" in (m["text"] or "")]
    assert said == ["✅ Over: PostgreSQL does not answer: nothing works"]
    assert [(alert["alert"], alert["status"]) for alert in receiver.alerts] == [
        ("database_away", "resolved")
    ]


async def test_a_scheduler_has_time_to_return_after_an_outage_of_the_database(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market)
    await market.database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '21 seconds'")
    kept = watching._dependencies
    async with unreachable_database(market) as dependencies:
        watching._dependencies = dependencies
        await watching.watch_once()
    watching._dependencies = kept
    await watching.watch_once()
    assert await alerts(market) == []
    watching._failed_at -= heartbeats.RETURN_SECONDS
    await watching.watch_once()
    assert len(await alerts(market)) == 1


async def test_a_scheduler_has_time_to_return_after_its_table_was_locked(
    market: Marketplace, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market)
    await market.database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '21 seconds'")
    with monkeypatch.context() as patch:
        patch.setattr(process_watch, "LATE_SECONDS", 0.2)
        async with breakage.as_owner(market.database) as owner:
            await owner.execute(text("LOCK TABLE heartbeats"))
            beating = asyncio.create_task(watching.watch_once())
            while not await market.value(WAITING):
                await asyncio.sleep(0.02)
            await asyncio.sleep(process_watch.LATE_SECONDS)
        await beating
    assert await alerts(market) == []
    watching._failed_at -= heartbeats.RETURN_SECONDS
    await watching.watch_once()
    assert len(await alerts(market)) == 1


async def test_a_full_disk_that_lets_the_heartbeat_through_is_told_once(
    market: Marketplace, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market)
    outages.log_database_away(_not_stored(DiskFullError("could not extend file")))
    await watching.watch_once()
    assert receiver.alerts == []
    outages._outages[outages.DATABASE].first_at -= outages.LONG_SECONDS
    outages.log_database_away(_not_stored(DiskFullError("could not extend file")))
    await watching.watch_once()
    await watching.watch_once()
    assert "disk of PostgreSQL is full" in await market.last("group")
    assert "Free space" in await market.last("group")
    assert REGISTRY.get_sample_value("adtech_database_away") == 1
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
    await watching.watch_once()
    await watching.watch_once()
    assert (await market.last("group")).startswith("✅ Over: The disk of PostgreSQL is full")
    assert REGISTRY.get_sample_value("adtech_database_away") == 0
    assert [alert["status"] for alert in receiver.alerts] == ["firing", "resolved"]


async def test_the_bot_tells_of_an_outage_that_only_the_scheduler_sees(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market, database_outage_read_only=21.0)
    await watching.watch_once()
    await watching.watch_once()
    await scheduler_beats(market)
    await watching.watch_once()
    assert [alert["text"] for alert in receiver.alerts] == [
        "🚨 PostgreSQL is read-only: nothing can be saved",
        "✅ Over: PostgreSQL is read-only: nothing can be saved",
    ]


def _not_stored(error: PostgresError) -> DatabaseAwayError:
    """Return the error of a handler that a database error has caused."""
    away = DatabaseAwayError()
    away.__cause__ = error
    return away


async def test_another_process_says_once_that_an_outage_is_over(
    market: Marketplace, receiver: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "LONG_SECONDS", 0.0)
    await scheduler_beats(market)
    async with unreachable_database(market) as dependencies:
        first = await watch(market, receiver, dependencies)
        second = await watch(market, receiver, dependencies)
        for _ in range(2):
            await first.watch_once()
            await second.watch_once()
    # The processes end, and others know nothing of the outage.
    outages._outages.clear()
    for _ in range(2):
        for _process in range(2):
            await (await watch(market, receiver)).watch_once()
    first._dependencies = replace(market.dependencies, settings=first._dependencies.settings)
    await first.watch_once()
    said = [m["text"] for m in await market.messages("group") if "PostgreSQL" in (m["text"] or "")]
    assert len(said) == 2
    assert said[0].startswith("🚨 PostgreSQL does not answer")
    assert said[1] == "✅ Over: PostgreSQL does not answer: nothing works"
    assert [(alert["alert"], alert["status"]) for alert in receiver.alerts] == [
        ("database_away", "firing"),
        ("database_away", "resolved"),
    ]


async def test_a_restore_after_an_outage_is_over_once(
    market: Marketplace, receiver: WebReceiver
) -> None:
    await scheduler_beats(market)
    await market.dependencies.storage.write_note("database_away", "other")
    async with market.database.sessions.begin() as session:
        await stored_alerts.assume_firing(session, watcher="bot", name="database_away")
    for _ in range(2):
        await (await watch(market, receiver)).watch_once()
    said = [m["text"] for m in await market.messages("group") if "PostgreSQL" in (m["text"] or "")]
    assert said == ["✅ Over: PostgreSQL does not answer: nothing works"]
