"""The readiness of the whole: heartbeats and switches."""

from db.models.operations import Switch
from services.platform import heartbeats, readiness
from tests.conftest import Database
from tests.factories import people


async def test_heartbeats_and_readiness(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
        await people.stop(session, Switch.PAYOUTS)
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'refunds'")
    async with database.sessions.begin() as session:
        ready = await readiness.read_state(session)
    assert ready["scheduler"] is True
    assert ready["switches"]["payouts"] == "disabled"
    assert ready["switches"]["refunds"] == "missing"
    assert ready["switches"]["deposits"] == "enabled"
    await database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '61 seconds'")
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
    async with database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name="scheduler")
