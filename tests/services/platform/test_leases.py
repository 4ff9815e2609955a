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
