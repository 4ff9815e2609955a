"""Test the readiness state of the scheduler and of the kill switches."""

from db.models.operations import Switch
from services.platform import heartbeats, readiness
from tests.conftest import Database
from tests.factories import people


async def test_readiness_reports_the_scheduler_and_each_switch(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert (await readiness.read_state(session))["scheduler"] is False
        await heartbeats.beat(session, owner="one", name="scheduler")
        await people.stop(session, Switch.PAYOUTS)
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'refunds'")
    async with database.sessions.begin() as session:
        state = await readiness.read_state(session)
    assert (state["scheduler"], state["bot"], state["alerts"]) == (True, False, [])
    assert state["switches"]["payouts"] == "disabled"
    assert state["switches"]["refunds"] == "missing"
    assert state["switches"]["deposits"] == "enabled"
