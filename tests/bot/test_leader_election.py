"""Test that only one process leads at a time."""

import asyncio
from datetime import timedelta

from bot.leader_election import LeaderElection
from services.platform import leases
from tests.conftest import Database

LEASE = "clock"
TTL = timedelta(seconds=2)


def candidate(
    database: Database, owner: str, *, ttl: timedelta = timedelta(seconds=15)
) -> LeaderElection:
    """Return the object with which a process takes part in the election."""
    return LeaderElection(database.sessions, lease=LEASE, owner=owner, ttl=ttl)


async def ran(*leaders: LeaderElection) -> list[int]:
    """Return the indexes of the processes that were allowed to run a leader's function."""
    found: list[int] = []
    for number, leader in enumerate(leaders):

        async def tick(number: int = number) -> None:
            found.append(number)

        await leader.leader_only(tick)()
    return found


async def test_one_process_leads_and_is_replaced_within_its_ttl_when_it_dies(
    database: Database,
) -> None:
    first, second = (candidate(database, owner, ttl=TTL) for owner in ("one", "two"))
    for _ in range(3):
        await first.acquire_or_renew()
        await second.acquire_or_renew()
        assert await ran(first, second) == [0]
        await asyncio.sleep(TTL.total_seconds() / 4)
    # The first process has stopped.
    async with asyncio.timeout(TTL.total_seconds() * 5):
        while not second.is_leader:
            await asyncio.sleep(0.02)
            await second.acquire_or_renew()
    assert await ran(first, second) == [1]
    await first.acquire_or_renew()
    assert await ran(first, second) == [1]


async def test_a_leader_that_steps_down_is_replaced_at_once(database: Database) -> None:
    first, second = (candidate(database, owner) for owner in ("one", "two"))
    await first.acquire_or_renew()
    await second.acquire_or_renew()
    assert await ran(first, second) == [0]
    await first.step_down()
    await second.acquire_or_renew()
    assert await ran(first, second) == [1]


async def test_a_leader_that_was_paused_during_an_election_knows_it(database: Database) -> None:
    """Check that a paused leader notices that another process has become the leader."""
    sleeper = candidate(database, "sleeper")
    await sleeper.acquire_or_renew()
    assert sleeper.is_leader
    async with database.sessions.begin() as session:
        await leases.release(session, name=LEASE, owner="sleeper")
    async with database.sessions.begin() as session:
        epoch = await leases.acquire(session, name=LEASE, owner="other", ttl=TTL)
        assert epoch == 2
    assert sleeper.is_leader
    assert await ran(sleeper) == []
