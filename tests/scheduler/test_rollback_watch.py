"""Test that the scheduler watches the criteria of a rollback."""

from datetime import timedelta

import structlog

from scheduler import rollback_watch, watchdogs
from services.launch.rollback_limits import DEFAULTS
from services.launch.steps import STEPS
from services.platform import killswitches
from tests.conftest import Database


async def test_the_tick_stops_everything_and_logs_the_criterion(database: Database) -> None:
    await database.as_owner("INSERT INTO failure_counts VALUES ('deadlock', now(), 3)")
    with structlog.testing.capture_logs() as logs:
        await rollback_watch.watch(database.sessions, timedelta(hours=24), DEFAULTS)
        assert logs == []
        signers = [step.name for step in STEPS if step.phase == 6]
        for name in signers:
            await database.as_owner(
                "INSERT INTO launch_runs (phase, step, passed, evidence)"
                " VALUES (6, $1, true, '{}')",
                name,
            )
        await rollback_watch.watch(database.sessions, timedelta(hours=24), DEFAULTS)
    assert [(line["event"], line["criterion"]) for line in logs] == [
        ("Rollback criterion met", "deadlocks")
    ]
    await watchdogs.settle_stops(database.sessions)
    async with database.sessions.begin() as session:
        states = await killswitches.overview(session)
    assert not any(state.enabled for state in states)
