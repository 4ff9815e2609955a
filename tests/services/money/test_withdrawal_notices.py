"""Test that one person cannot fill the admin chat with withdrawals."""

from datetime import timedelta

from services.money import destinations, withdrawals
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people, rows
from tests.services.money.test_destinations import confirmed

HOURS = (
    "SELECT round(extract(epoch FROM due_at - now()) / 3600)::int FROM outbox"
    " WHERE kind = 'withdrawal_changed' AND user_id IS NULL ORDER BY id"
)
DROPPED = "SELECT count(*) FROM outbox WHERE kind = 'destination_dropped' AND user_id IS NULL"


async def _ask_and_take_back(database: Database, who: Actor, numbers: range) -> None:
    for number in numbers:
        async with database.sessions.begin() as session:
            asked = await withdrawals.request(session, actor=who, amount=1, key=f"k{number}")
            if number % 2:
                await withdrawals.cancel(session, actor=who, withdrawal_id=asked.id)


async def test_the_staff_is_told_of_five_requests_of_a_person_in_an_hour(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        busy = await people.person(session, balance=100)
        calm = await people.person(session, balance=100)
    await _ask_and_take_back(database, busy, range(12))
    await _ask_and_take_back(database, calm, range(12, 13))
    async with database.sessions.begin() as session:
        told = [row[0] for row in await rows.table(session, HOURS)]
    assert told == [0] * 5 + [1] * 5 + [2] * 2 + [0]
    await database.forward(timedelta(minutes=61))
    await _ask_and_take_back(database, busy, range(13, 14))
    async with database.sessions.begin() as session:
        assert [row[0] for row in await rows.table(session, HOURS)][-1] == 0


async def test_the_staff_is_told_of_one_dropped_address_of_a_person_in_an_hour(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        to_next_hour = "SELECT date_trunc('hour', clock()) + interval '61 minutes' - clock()"
        wait = await rows.one(session, to_next_hour)
    await database.forward(wait)
    async with database.sessions.begin() as session:
        person, other = await people.person(session), await people.person(session)
        for who in (person, person, other):
            row = await confirmed(session, who)
            await destinations.drop(session, actor=who, destination_id=row.id)
        assert await rows.one(session, DROPPED) == 2
    await database.forward(timedelta(hours=1))
    async with database.sessions.begin() as session:
        row = await confirmed(session, person)
        await destinations.drop(session, actor=person, destination_id=row.id)
        assert await rows.one(session, DROPPED) == 3
