"""Test that a lease has only one holder at a time."""

from datetime import timedelta

from services.platform import leases
from tests.conftest import Database

HOUR = timedelta(hours=1)


async def test_one_holder_of_a_lease_at_a_time(database: Database) -> None:
    minute = timedelta(minutes=1)

    async def take(owner: str, ttl: timedelta = minute) -> int | None:
        async with database.sessions.begin() as session:
            return await leases.acquire(session, name="polling", owner=owner, ttl=ttl)

    async def drop(owner: str) -> None:
        async with database.sessions.begin() as session:
            await leases.release(session, name="polling", owner=owner)

    assert await take("a") == 1
    assert await take("b") is None
    assert await take("a") == 1  # the lease is extended
    await database.forward(24 * HOUR)  # leases follow the real clock
    assert await take("b") is None
    await drop("b")  # b does not hold it
    assert await take("b") is None
    await drop("a")
    assert await take("b", timedelta(0)) == 2
    assert await take("a") == 3


async def test_nobody_waits_for_a_lease_of_the_time_before_a_step_back(database: Database) -> None:
    """Check that a lease is free if it ends too far in the future."""
    ttl = timedelta(seconds=15)
    async with database.sessions.begin() as session:
        assert await leases.acquire(session, name="clock", owner="a", ttl=ttl) == 1
    await database.as_owner("UPDATE leases SET held_until = now() + interval '20 seconds'")
    async with database.sessions.begin() as session:
        assert await leases.acquire(session, name="clock", owner="b", ttl=ttl) is None
    # The database's clock was set back by an hour after a process had taken the lease.
    await database.as_owner("UPDATE leases SET held_until = now() + interval '1 hour 15 seconds'")
    async with database.sessions.begin() as session:
        assert await leases.acquire(session, name="clock", owner="b", ttl=ttl) == 2
