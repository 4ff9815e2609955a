"""Test that the database holds an escrow for a complaint, and believes no login about its steps."""

from datetime import timedelta

import asyncpg
import pytest

from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded, logins
from services.money import escrow
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.complaints import APPEAL, Complained, complained, published

RELEASE = "UPDATE escrows SET status = 'released', settled_at = now(){}"
REFUND = "UPDATE escrows SET status = 'refunded', settled_at = now()"
OPEN = "SELECT code FROM open_complaint({}, {}, 'wrong', {}, '24 hours', NULL)"
STEP = "SELECT code FROM take_complaint_step({}, {}, '{}', {}, {}, '24 hours', NULL)"


@pytest.fixture
async def clock(server: embedded.Postgres, database: Database) -> asyncpg.Connection:
    """Return a connection of the scheduler's login."""
    name = database.url.partition("@/")[2].partition("?")[0]
    return await asyncpg.connect(server.dsn(logins.CLOCK, name))


async def _press(database: Database, who: Actor, data: str) -> None:
    async with database.sessions.begin() as session:
        await presses.press(session, who, data)


async def test_an_open_complaint_holds_the_escrow_in_the_database(
    database: Database, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    assert await refused_state(clock, RELEASE.format("")) == "AD170"
    await database.as_owner("ALTER TABLE post_jobs DISABLE TRIGGER absorbs_complaint")
    fail = "UPDATE post_jobs SET status = 'failed'"
    assert await refused_state(clock, fail, REFUND) == "AD170"
    await database.as_owner("ALTER TABLE post_jobs ENABLE TRIGGER absorbs_complaint")
    assert await refused_state(clock, fail, "SET CONSTRAINTS ALL IMMEDIATE") is None
    await found.dispute()
    await found.decide(100)
    assert await refused_state(clock, RELEASE.format("")) == "AD170"
    await clock.close()


async def test_a_release_returns_exactly_what_was_decided(
    database: Database, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(40)
    await found.pass_time(APPEAL)
    for part in ("", ", returned = 2000", ", returned = 3001"):
        assert await refused_state(clock, RELEASE.format(part)) == "AD171"
    wrong = "UPDATE escrows SET returned = 3000"
    assert await refused_state(clock, wrong) == "AD171"
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
    assert await refused_state(clock, RELEASE.format(", returned = 3000")) == "AD072"
    await clock.close()


async def test_no_part_is_returned_without_a_decision(
    database: Database, clock: asyncpg.Connection
) -> None:
    await published(database)
    assert await refused_state(clock, RELEASE.format(", returned = 1")) == "AD171"
    await clock.close()


async def test_a_release_waits_for_the_window_in_the_database(
    database: Database, clock: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0, complaint_window=timedelta(hours=24))
    assert await refused_state(clock, RELEASE.format("")) == "AD037"
    await database.forward(timedelta(hours=24))
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
    await clock.close()


async def test_a_complaint_needs_the_advertisers_own_press(
    database: Database, bot: asyncpg.Connection
) -> None:
    made = await published(database)
    target_id, advertiser_id = made.target.id, made.advertiser.user_id
    opened = OPEN.format(target_id, advertiser_id, "NULL")
    await _press(database, made.owner, f"complain:wrong:{target_id}")
    await _press(database, made.advertiser, f"complain:covered:{target_id}")
    await _press(database, made.advertiser, f"complain:wrong:{target_id}0")
    assert await refused_state(bot, opened) == "AD172"
    async with database.sessions.begin() as session:
        await presses.write(session, made.advertiser, "The link is dead.")
    assert await refused_state(bot, OPEN.format(target_id, advertiser_id, "'Other'")) == "AD172"
    await _press(database, made.advertiser, f"complain:wrong:{target_id}")
    assert await bot.fetchval(opened) is None


async def test_each_step_needs_its_own_press(database: Database, bot: asyncpg.Connection) -> None:
    found = await complained(database)
    made, number = found.made, found.id
    answered = STEP.format(number, made.owner.user_id, "answered", "'It is.'", "NULL")
    await _press(database, made.owner, f"complaint:correcting:{number}")
    assert await refused_state(bot, answered) == "AD173"
    async with database.sessions.begin() as session:
        await presses.write(session, made.owner, "It is.")
    assert await bot.fetchval(answered) is None
    disputed = STEP.format(number, made.advertiser.user_id, "disputed", "NULL", "NULL")
    satisfied = disputed.replace("disputed", "satisfied")
    await _press(database, made.advertiser, f"complaint:disputed:{number}")
    assert await refused_state(bot, satisfied) == "AD173"
    assert await bot.fetchval(disputed) is None
    async with database.sessions.begin() as session:
        head = await people.staff(session, Role.SUPER_ADMIN)
    decided = STEP.format(number, made.moderator.user_id, "decided", "NULL", 50)
    await _press(database, head, f"complaint_decide:{number}:50:1")
    for data in (f"{number}:51:1", f"{number}:50:2", f"{number}0:50:1"):
        await _press(database, made.moderator, f"complaint_decide:{data}")
    assert await refused_state(bot, decided) == "AD173"
    await _press(database, made.moderator, f"complaint_decide:{number}:50:1")
    assert await bot.fetchval(decided) is None


async def test_no_login_writes_a_complaint_by_hand(
    database: Database, bot: asyncpg.Connection, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    for login in (bot, clock):
        for statement in (
            "UPDATE complaints SET status = 'closed'",
            "INSERT INTO complaint_steps (complaint_id, kind) VALUES (1, 'decided')",
            "DELETE FROM complaints",
        ):
            assert await refused_state(login, statement) == "42501", statement
    for statement, state in (
        ("DELETE FROM complaints", "AD006"),
        ("UPDATE complaint_steps SET words = 'x'", "AD006"),
        ("UPDATE complaints SET words = 'x'", "AD031"),
        ("UPDATE campaign_targets SET complaint_window = '1 second'", "AD031"),
        ("UPDATE complaints SET status = 'closed'", "23514"),
        ("UPDATE complaints SET status = 'decided'", "AD029"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.as_owner(statement)
        assert refused.value.sqlstate == state, statement
    assert await _end(clock, found) is None
    await clock.close()


async def _end(clock: asyncpg.Connection, found: Complained) -> object:
    ending = f"SELECT end_complaint_step({found.id}, '1 second', NULL)"
    assert await clock.fetchval(ending.replace(str(found.id), "0", 1)) is None
    return await clock.fetchval(ending)
