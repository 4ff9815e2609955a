"""Test that each alert is sent once when it begins, and once when it is over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from bot import outages
from bot.alert_routes import AlertRoutes
from bot.leader_election import LeaderElection
from bot.settings import Settings
from db.models.operations import Switch
from db.session import Sessions
from scheduler import alerts as alerts_tick
from scheduler import notice_delivery
from scheduler.alerts import AlertWatch
from services.money import incidents
from services.money.invariants import Violation
from services.platform import alerts, heartbeats
from tests.bot.test_settings import GOOD
from tests.factories.alert_receiver import WebReceiver, web_receiver
from tests.scheduler.scene import Row, Scene

SLA = timedelta(hours=24)


@pytest.fixture
async def receiver() -> AsyncIterator[WebReceiver]:
    """Run the web server that gets urgent alerts."""
    async with web_receiver() as receiver:
        yield receiver


async def watch(
    scene: Scene, receiver: WebReceiver | None = None, *, leads: bool = True
) -> AlertWatch:
    """Return the watch of a scheduler process that has just started."""
    settings = Settings.model_validate({name.lower(): value for name, value in GOOD.items()})
    if receiver is not None:
        settings = settings.model_copy(update={"alert_webhook_url": SecretStr(receiver.url)})
    leader = LeaderElection(
        scene.database.sessions, lease="clock", owner="one", ttl=timedelta(minutes=5)
    )
    if leads:
        await leader.acquire_or_renew()
    async with scene.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="bot", name=heartbeats.BOT)
        await heartbeats.beat(session, owner="clock", name=heartbeats.SCHEDULER)
        await incidents.check_ledger_invariant(session)
    return AlertWatch(
        scene.database.sessions,
        scene.posting_worker().limiter,
        leader,
        AlertRoutes(settings),
        "USD",
        SLA,
        start_seconds=0,
    )


async def told(scene: Scene) -> list[tuple[str, str]]:
    """Return the kind and the name of each alert that was queued to the admin chat."""
    rows = await scene.rows(
        "SELECT kind, payload->>'name' AS name FROM outbox WHERE kind LIKE 'alert_%' ORDER BY id"
    )
    # Redis is not available in these tests; this alert needs 15 seconds.
    return [(row["kind"], row["name"]) for row in rows if row["name"] != "redis_away"]


@asynccontextmanager
async def missing_switch(scene: Scene) -> AsyncIterator[None]:
    """Remove the row of a kill switch within the `with` block."""
    await scene.database.as_owner("CREATE TABLE kept AS TABLE kill_switches")
    await scene.database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    yield
    await scene.database.as_owner(
        "INSERT INTO kill_switches SELECT * FROM kept WHERE key = 'payouts'"
    )


async def test_an_alert_is_told_once_also_after_a_restart(
    scene: Scene, receiver: WebReceiver
) -> None:
    first = await watch(scene, receiver)
    await first.run()
    assert await told(scene) == []
    async with missing_switch(scene):
        await first.run()
        await first.run()
        await (await watch(scene, receiver)).run()
        assert await told(scene) == [("alert_firing", "switch_missing")]
    await first.run()
    await first.run()
    assert await told(scene) == [
        ("alert_firing", "switch_missing"),
        ("alert_resolved", "switch_missing"),
    ]
    sent = [(alert["alert"], alert["status"]) for alert in receiver.alerts]
    assert sent == [("switch_missing", "firing"), ("switch_missing", "resolved")]
    assert receiver.alerts[0]["command"] == "adtech killswitch list"


async def test_a_process_that_does_not_lead_tells_nothing_and_shows_the_metrics(
    scene: Scene,
) -> None:
    standby = await watch(scene, leads=False)
    async with missing_switch(scene):
        await standby.run()
    assert await told(scene) == []
    assert REGISTRY.get_sample_value("adtech_switches_missing") == 1
    assert REGISTRY.get_sample_value("adtech_switch_running", {"switch": "payouts"}) == 0
    assert REGISTRY.get_sample_value("adtech_switch_running", {"switch": "refunds"}) == 1


async def test_an_alert_that_the_alert_routes_refuse_is_sent_again(
    scene: Scene, receiver: WebReceiver
) -> None:
    watching = await watch(scene, receiver)
    receiver.status = 503
    async with missing_switch(scene):
        await watching.run()
        receiver.status = 200
        await watching.run()
        await watching.run()
    assert [alert["status"] for alert in receiver.alerts] == ["firing", "firing"]


async def test_a_bot_has_time_to_return_after_an_outage_of_the_database(scene: Scene) -> None:
    watching = await watch(scene)
    await scene.database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '21 seconds'")
    await scene.database.as_owner("ALTER TABLE heartbeats RENAME TO away")
    with pytest.raises(DBAPIError):
        await watching.run()
    await scene.database.as_owner("ALTER TABLE away RENAME TO heartbeats")
    await watching.run()
    assert await told(scene) == []
    watching._failed_at -= heartbeats.RETURN_SECONDS
    await watching.run()
    assert await told(scene) == [("alert_firing", "bot_missing")]


async def test_the_scheduler_misses_the_bot(scene: Scene) -> None:
    watching = await watch(scene)
    await scene.database.as_owner(
        "UPDATE heartbeats SET beat_at = now() - interval '21 seconds' WHERE name = 'bot'"
    )
    await watching.run()
    assert await told(scene) == [("alert_firing", "bot_missing")]
    async with scene.database.sessions.begin() as session:
        await heartbeats.beat(session, owner="successor", name=heartbeats.BOT)
        assert await alerts.names_firing(session) == ["bot_missing"]
    await watching.run()
    assert (await told(scene))[1:] == [("alert_resolved", "bot_missing")]


async def test_an_outage_of_the_database_is_no_reason_to_miss_the_bot(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = await watch(scene)
    await scene.database.as_owner(
        "UPDATE heartbeats SET beat_at = now() - interval '21 seconds' WHERE name = 'bot'"
    )
    watching._run_at -= alerts_tick.LATE_SECONDS + 1  # no tick ran while the database was away
    await watching.run()
    await watching.run()
    outages.note_failure(outages.DATABASE)
    outages._outages[outages.DATABASE].first_at -= 1  # a part of the writes still fails
    watching._outage_at -= alerts_tick.START_SECONDS
    await watching.run()
    assert await told(scene) == []
    monkeypatch.setattr(outages, "CALM_SECONDS", 0.0)
    watching._outage_at -= alerts_tick.START_SECONDS
    await watching.run()
    assert await told(scene) == [("alert_firing", "bot_missing")]
    # An alert that fires already is not taken back by an outage.
    watching._run_at -= alerts_tick.LATE_SECONDS + 1
    await watching.run()
    assert await told(scene) == [("alert_firing", "bot_missing")]


async def test_a_condition_has_to_last(scene: Scene) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "cut_after")
    await scene.dispatch()
    assert (await scene.job(target_id))["status"] == "uncertain"
    watching = await watch(scene)
    await watching.run()
    assert await told(scene) == []
    watching._met_since["uncertain_posts"] -= 61
    await watching.run()
    assert await told(scene) == [("alert_firing", "uncertain_posts")]


async def test_the_counts_of_all_living_processes_are_added_up(scene: Scene) -> None:
    watching = await watch(scene)
    async with scene.database.sessions.begin() as session:
        for owner in ("bot-1", "bot-2"):
            await heartbeats.beat(
                session, owner=owner, name=heartbeats.BOT, facts={"conflicts": 1.0}
            )
    await watching.run()
    assert await told(scene) == [("alert_firing", "conflicts")]
    await scene.database.as_owner(
        "UPDATE heartbeats SET beat_at = now() - interval '1 hour' WHERE owner = 'bot-2'"
    )
    await watching.run()
    assert (await told(scene))[1:] == [("alert_resolved", "conflicts")]


async def test_escrows_money_and_late_refunds_are_counted(scene: Scene) -> None:
    await scene.approve()
    watching = await watch(scene)
    await watching.run()
    assert REGISTRY.get_sample_value("adtech_escrows_held") == 1
    assert REGISTRY.get_sample_value("adtech_escrows_late") == 0
    held = REGISTRY.get_sample_value("adtech_money_held_minor_units", {"currency": "USD"})
    assert held == (await scene.rows("SELECT sum(amount) AS held FROM escrows"))[0]["held"]
    await scene.database.forward(SLA + timedelta(minutes=1))
    await watching.run()
    assert REGISTRY.get_sample_value("adtech_escrows_late") == 1


async def test_the_dead_man_is_called_only_while_the_scheduler_works(
    scene: Scene, receiver: WebReceiver
) -> None:
    watching = replace(await watch(scene), dead_man_url=receiver.url)
    async with scene.database_away():
        with pytest.raises((DBAPIError, OSError)):
            await watching.run()
    assert receiver.calls == 0
    await watching.run()
    await watching.run()
    assert receiver.calls == 1


async def test_urgent_alerts_are_in_the_language_of_the_staff(
    scene: Scene, receiver: WebReceiver
) -> None:
    await scene.database.as_owner("UPDATE users SET language = 'ru'")
    watching = await watch(scene, receiver)
    async with missing_switch(scene):
        await watching.run()
    [alert] = [sent for sent in receiver.alerts if sent["alert"] == "switch_missing"]
    assert alert["text"].endswith("поэтому он считается остановленным")
    assert alert["command"] == "adtech killswitch list"


async def test_an_automatic_freeze_is_one_message(scene: Scene, receiver: WebReceiver) -> None:
    watching = await watch(scene, receiver)
    await freeze(scene.database.sessions)
    await watching.run()
    await notice_delivery.deliver_alarms(scene.outbox_worker())
    [alarm] = [message["text"] for message in await scene.messages("group") if message["text"]]
    lines = alarm.splitlines()
    assert "invariants are broken" in lines[0]
    assert lines[1] == "/ledger"
    assert [sent["alert"] for sent in receiver.alerts] == ["ledger_violation"]
    assert {row["key"] for row in await stopped(scene)} >= {Switch.PAYOUTS, Switch.ADJUSTMENTS}


async def freeze(sessions: Sessions) -> None:
    """Open an incident about the ledger, as a check does that finds a wrong balance."""
    async with sessions.begin() as session:
        violation = Violation("wallet_balance", "a balance is wrong", [{"ref": 1}])
        await incidents.raise_alarm(session, [violation])


async def stopped(scene: Scene) -> list[Row]:
    """Return the kill switches that an incident has stopped."""
    return await scene.rows("SELECT key FROM switch_stops")
