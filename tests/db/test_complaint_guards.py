"""Test that the database holds an escrow for a complaint, and believes no login about its steps."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded, logins
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.complaints import (
    APPEAL,
    Complained,
    complain,
    complained,
    lose,
    published,
)

RELEASE = "UPDATE escrows SET status = 'released', settled_at = now(){}"
REFUND = "UPDATE escrows SET status = 'refunded', settled_at = now()"
OPEN = "SELECT code FROM open_complaint({}, {}, 'wrong', {}, '24 hours', NULL)"
REPUBLISH = "SELECT code FROM republish_post({}, {}, '24 hours', NULL)"
QUEUE = (
    "UPDATE post_jobs SET status = 'queued', removed_message_id = message_id,"
    " first_sent_at = sent_at, message_id = NULL, sent_at = NULL"
)
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


async def test_only_words_that_a_side_has_written_are_stored(
    database: Database, bot: asyncpg.Connection
) -> None:
    made = await published(database)
    opened = OPEN.format(made.target.id, made.advertiser.user_id, "'I lie.'")
    await _press(database, made.advertiser, f"complain:wrong:{made.target.id}")
    assert await refused_state(bot, opened) == "AD172"
    other = opened.replace("'wrong'", "'other'")
    assert await refused_state(bot, other, other.replace("'I lie.'", "NULL")) == "AD172"
    async with database.sessions.begin() as session:
        await presses.write(session, made.advertiser, "I lie.")
    assert await refused_state(bot, opened) == "AD172"
    assert await refused_state(bot, other) is None
    found = await complain(database, made)
    await found.answer()
    disputed = STEP.format(found.id, made.advertiser.user_id, "disputed", "'I lie.'", "NULL")
    await _press(database, made.advertiser, f"complaint:disputed:{found.id}")
    assert await refused_state(bot, disputed) == "AD173"
    assert await refused_state(bot, disputed.replace("'I lie.'", "NULL")) is None


async def test_the_time_of_a_step_has_bounds_in_the_database(
    database: Database, bot: asyncpg.Connection, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    opened = OPEN.format(found.target_id, found.made.advertiser.user_id, "NULL")
    answered = STEP.format(found.id, found.made.owner.user_id, "answered", "'It is.'", "NULL")
    ended = f"SELECT end_complaint_step({found.id}, '24 hours', NULL)"
    bad = ("NULL", "'-1 day'", "'59 minutes'", "'30 days 1 second'")
    for login, statement in ((bot, opened), (bot, answered), (clock, ended)):
        for time in bad:
            assert await refused_state(login, statement.replace("'24 hours'", time)) == "AD186"
    for time in ("'1 hour'", "'30 days'"):
        assert await refused_state(clock, ended.replace("'24 hours'", time)) is None
    await clock.close()


async def test_who_has_accepted_a_placement_as_manager_decides_nothing(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    async with database.sessions.begin() as session:
        manager = await people.staff(session)
    await database.as_owner("ALTER TABLE placement_answers DISABLE TRIGGER USER")
    await database.as_owner(f"UPDATE placement_answers SET answered_by = {manager.user_id}")
    await database.as_owner("ALTER TABLE placement_answers ENABLE TRIGGER USER")
    with pytest.raises(errors.OwnMoney):
        await found.decide(100, manager)
    await found.decide(100)


async def test_no_login_hides_a_message_about_a_complaint(
    database: Database, bot: asyncpg.Connection, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    step = await bot.fetchval("SELECT max(id) FROM complaint_steps")
    write = "INSERT INTO outbox (kind, payload, key) VALUES ('{}', '{}', {})"
    about = f'{{"complaint_id": {found.id}, "step": "opened"}}'
    later, other = f"'complaint_staff:{step + 1}'", about.replace(f"{found.id}", "0", 1)
    for kind, payload, key in (
        ("complaint_staff", about, later),
        ("complaint_staff", other, f"'complaint_staff:{step}'"),
        ("complaint", about.replace("opened", "satisfied"), f"'complaint:{step}:x'"),
        ("complaint", about, "'complaint:x'"),
        ("complaint", about, "NULL"),
        ("complaint", about, f"'complaint_staff:{step}'"),
        ("deposit_credited", about, later),
    ):
        for login in (bot, clock):
            assert await refused_state(login, write.format(kind, payload, key)) == "AD187", key
    for kind in ("complaint", "complaint_staff"):
        assert await refused_state(bot, write.format(kind, about, f"'{kind}:{step}:x'")) is None
    await clock.close()


async def test_no_login_keeps_a_breach_from_being_recorded(
    database: Database, bot: asyncpg.Connection, clock: asyncpg.Connection
) -> None:
    found = await complained(database)
    hide = "INSERT INTO outbox (kind, payload, key) VALUES ('x', '{{}}', '{}')"
    for key in (
        f"complaint_absorbed:{found.id}:owner",
        f"complaint_corrected:{found.id}",
        f"complaint_gone:{found.id}:owner",
        f"complaint_republished:{found.id}:owner",
    ):
        assert await refused_state(bot, hide.format(key)) == "AD078"
    record = "UPDATE post_jobs SET breach = 'altered', breach_refund_at = clock()"
    assert await refused_state(clock, record) is None
    await clock.close()


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
    ending = f"SELECT end_complaint_step({found.id}, '1 hour', NULL)"
    assert await clock.fetchval(ending.replace(str(found.id), "0", 1)) is None
    return await clock.fetchval(ending)


async def test_only_the_owners_own_press_publishes_a_removed_post_again(
    database: Database, bot: asyncpg.Connection
) -> None:
    found = await complained(database, hours=24)
    await lose(database)
    asked = REPUBLISH.format(found.id, found.made.owner.user_id)
    await _press(database, found.made.owner, f"complaint:correcting:{found.id}")
    await _press(database, found.made.advertiser, f"complaint:republishing:{found.id}")
    assert await refused_state(bot, asked) == "AD199"
    await _press(database, found.made.owner, f"complaint:republishing:{found.id}")
    assert await bot.fetchval(asked) is None
    assert await bot.fetchval(asked) == "once"


async def test_no_login_queues_a_published_post_again(
    database: Database, bot: asyncpg.Connection, clock: asyncpg.Connection
) -> None:
    found = await complained(database, hours=24)
    plain = "UPDATE post_jobs SET status = 'queued', message_id = NULL, sent_at = NULL"
    for login in (bot, clock):
        assert await refused_state(login, plain) == "AD198"
        assert await refused_state(login, QUEUE) == "42501"
    again = "published again once"
    for statement in (plain, QUEUE):
        with pytest.raises(asyncpg.PostgresError, match=again):
            await database.as_owner(statement)
    await lose(database)
    # The post is proven gone, but its owner has not taken the step.
    with pytest.raises(asyncpg.PostgresError, match=again):
        await database.as_owner(QUEUE)
    await found.republish()
    for change in ("removed_message_id = 9", "first_sent_at = now()", "removed_message_id = NULL"):
        with pytest.raises(asyncpg.PostgresError, match=again):
            await database.as_owner(f"UPDATE post_jobs SET {change}")
    with pytest.raises(DBAPIError, match="a success needs its claim"):
        await found.publish(message_id=10)
    await found.publish()
    await lose(database)
    assert await found.one("SELECT status FROM post_jobs") == "failed"
    await clock.close()


async def test_no_login_queues_a_post_that_looks_published_again(bot: asyncpg.Connection) -> None:
    columns = "campaign_target_id, channel_id, due_at"
    for more in ("removed_message_id", "message_id", "claim_no"):
        insert = f"INSERT INTO post_jobs ({columns}, {more}) SELECT 1, 1, now(), 9"
        assert await refused_state(bot, insert) == "42501", more
    await bot.close()
