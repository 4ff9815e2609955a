"""Test that the bot's login sends money to an address only after its person's own press."""

from dataclasses import dataclass

import asyncpg
import pytest

from bot.callbacks import DestinationAct, OnDestination, WithdrawTo
from sandbox import embedded, logins
from services.money import destinations
from services.platform import inbox
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.services.money.test_destinations import OTHER, confirmed, typed

CONFIRM = "UPDATE payout_destinations SET status = 'current' WHERE id = {}"
FROZEN = "AD031"


@dataclass(frozen=True)
class World:
    """Two people: one has a confirmed address and one that only was typed, the other has none."""

    owner: Actor
    thief: Actor
    current: int
    typed: int


@pytest.fixture
async def world(database: Database) -> World:
    async with database.sessions.begin() as session:
        owner = await people.person(session, balance=500)
        thief = await people.person(session, balance=500)
        current = (await confirmed(session, owner)).id
        return World(owner, thief, current, (await typed(session, owner, OTHER)).id)


def _request(user_id: int | None, destination_id: int) -> str:
    return (
        "INSERT INTO withdrawals (key, user_id, amount, currency, destination_id)"
        f" VALUES ('press:{user_id}:k', {user_id}, 5, 'USD', {destination_id})"
    )


async def _press_request(database: Database, who: Actor, destination_id: int) -> None:
    """Let a person press the button that requests this withdrawal."""
    data = WithdrawTo(amount=5, key="k", destination=destination_id).pack()
    async with database.sessions.begin() as session:
        await presses.press(session, who, data)


async def test_an_address_counts_only_after_its_persons_own_press(
    database: Database, bot: asyncpg.Connection, world: World
) -> None:
    replace = f"UPDATE payout_destinations SET status = 'replaced' WHERE id = {world.current}"
    confirm = CONFIRM.format(world.typed)

    async def press(who: Actor, number: int) -> int:
        data = OnDestination(act=DestinationAct.CONFIRM, id=number).pack()
        async with database.sessions.begin() as session:
            return (await presses.press(session, who, data)).inbox_id or 0

    await press(world.thief, world.typed)
    await press(world.owner, world.current)
    assert await refused_state(bot, replace, confirm) == "AD120"
    pressed = await press(world.owner, world.typed)
    assert await refused_state(bot, replace, confirm) is None
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, pressed)
    assert await refused_state(bot, replace, confirm) == "AD120"


async def test_a_withdrawal_goes_to_a_confirmed_address_of_its_person(
    database: Database, bot: asyncpg.Connection, world: World
) -> None:
    await _press_request(database, world.owner, world.current)
    assert await refused_state(bot, _request(world.thief.user_id, world.current)) == "AD121"
    assert await refused_state(bot, _request(world.owner.user_id, world.typed)) == "AD121"
    assert await refused_state(bot, _request(world.owner.user_id, 999_999)) == "AD121"
    assert await refused_state(bot, _request(world.owner.user_id, world.current)) is None


async def test_a_changed_address_waits_a_day_in_the_database_too(
    database: Database, bot: asyncpg.Connection, world: World
) -> None:
    async with database.sessions.begin() as session:
        await destinations.confirm(session, actor=world.owner, destination_id=world.typed)
    assert await refused_state(bot, _request(world.owner.user_id, world.typed)) == "AD122"
    await _press_request(database, world.owner, world.typed)
    await database.as_owner("UPDATE clock_shift SET allowed = true WHERE NOT allowed")
    await database.as_owner("UPDATE clock_shift SET shift = shift + interval '24 hours'")
    assert await refused_state(bot, _request(world.owner.user_id, world.typed)) is None


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "change", ["user_id = user_id + 1", "method = 'card'", "created_at = clock()"]
)
async def test_who_is_paid_and_how_never_changes(database: Database, change: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner(f"UPDATE payout_destinations SET {change}")
    assert refused.value.sqlstate == FROZEN
    with pytest.raises(asyncpg.PostgresError):
        await database.as_owner("DELETE FROM payout_destinations")


@pytest.mark.usefixtures("world")
async def test_the_reports_login_reads_no_address(
    server: embedded.Postgres, database: Database
) -> None:
    name = database.url.partition("@/")[2].partition("?")[0]
    reports = await asyncpg.connect(server.dsn(logins.REPORTS, name))
    try:
        assert await reports.fetchval("SELECT count(status) FROM payout_destinations") == 2
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reports.fetch("SELECT ciphertext FROM payout_destinations")
    finally:
        await reports.close()
