"""Test that a process counts as alive for 20 seconds after its last heartbeat."""

from services.platform import heartbeats
from tests.conftest import Database


async def test_a_heartbeat_is_alive_for_twenty_seconds(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
    async with database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name="scheduler")
    await database.as_owner("UPDATE heartbeats SET beat_at = now() + interval '1 hour'")
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler"), "its clock was set back"
    await database.as_owner("UPDATE heartbeats SET beat_at = now() - interval '21 seconds'")
    async with database.sessions.begin() as session:
        assert not await heartbeats.is_alive(session, name="scheduler")
        await heartbeats.beat(session, owner="one", name="scheduler")
    async with database.sessions.begin() as session:
        assert await heartbeats.is_alive(session, name="scheduler")
