"""Test that a bot shows that it is alive, and tells by itself that the scheduler is missing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from bot import process_watch
from bot.context import Dependencies
from bot.event_loop import LoopWatch
from bot.leader_election import LeaderElection
from bot.process_watch import ProcessWatch
from db.session import create_engine, create_sessions
from services.platform import heartbeats
from tests.factories.alarm_receiver import WebReceiver, web_receiver
from tests.handlers.marketplace import Marketplace


@pytest.fixture
async def receiver() -> AsyncIterator[WebReceiver]:
    """Run the web server that gets urgent alarms."""
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


async def scheduler_beats(market: Marketplace) -> None:
    """Write a heartbeat of a scheduler."""
    async with market.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="clock", name=heartbeats.SCHEDULER)


async def alarms(market: Marketplace) -> list[str]:
    """Return the texts of the alarms in the admin chat, without the lines about Redis."""
    return [m["text"] for m in await market.messages("group") if "scheduler" in (m["text"] or "")]


async def test_a_dead_scheduler_is_told_once_by_the_bot(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await scheduler_beats(market)
    await watching.turn()
    assert await alarms(market) == []
    await market.database.as_owner(
        "UPDATE heartbeats SET beat_at = now() - interval '21 seconds' WHERE owner = 'clock'"
    )
    await watching.turn()
    await watching.turn()
    await (await watch(market, receiver)).turn()
    [alarm] = await alarms(market)
    assert alarm.splitlines()[0].startswith("🚨 No scheduler gives a sign of life")
    assert alarm.splitlines()[1] == "adtech health"
    await scheduler_beats(market)
    await watching.turn()
    assert (await alarms(market))[1].startswith("✅ Over: No scheduler")
    sent = [(alarm["alert"], alarm["status"]) for alarm in receiver.alarms]
    assert sent == [("scheduler_missing", "firing"), ("scheduler_missing", "resolved")]


async def test_the_heartbeat_carries_what_the_process_has_counted(
    market: Marketplace, receiver: WebReceiver
) -> None:
    await (await watch(market, receiver)).turn()
    async with market.database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name=heartbeats.BOT)
        # Redis is not available in this test.
        assert (await heartbeats.sum_facts(session))["redis_away"] == 1


async def test_an_alarm_that_did_not_arrive_is_sent_again(
    market: Marketplace, receiver: WebReceiver
) -> None:
    watching = await watch(market, receiver)
    await market.world.control("faults", method="sendMessage", kind="refuse_before")
    await watching.turn()
    assert await alarms(market) == []
    await watching.turn()
    assert len(await alarms(market)) == 1


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
        await watching.turn()
        assert receiver.alarms == []
        monkeypatch.setattr(process_watch, "AWAY_SECONDS", 0.0)
        await watching.turn()
        await watching.turn()
    assert [(alarm["alert"], alarm["status"]) for alarm in receiver.alarms] == [
        ("database_away", "firing")
    ]
    assert REGISTRY.get_sample_value("adtech_database_away") == 1
    assert "PostgreSQL does not answer" in await market.last("group")
