"""Test that a placement changes only by a new version, which its advertiser has pressed."""

import asyncpg
import pytest

from bot.owner_callbacks import AcceptChange, ChangeAct, OfferAct, OnChange, OnOffer
from services.market import agreements, change_requests, placement_versions
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.people import Deal

CHANGE = (
    "SELECT code FROM change_placement({}, {}, {}, NULL, 6000, 24, 0, 'left', NULL,"
    " clock() + '1 hour', NULL)"
)
NEW_VERSION = (
    "version = version + 1, changed_at = clock(), answer_due_at = clock() + '1 hour',"
    " agreed_at = NULL"
)


@pytest.fixture
async def asked(database: Database) -> Deal:
    async with database.sessions.begin() as session:
        return await people.deal(session, asks=True)


async def _press(database: Database, who: Actor, data: str) -> int:
    async with database.sessions.begin() as session:
        return (await presses.press(session, who, data)).inbox_id or 0


async def _refused_to_the_owner(database: Database, statement: str) -> str:
    """Return the SQLSTATE with which the database refuses a statement of its owner's role."""
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner(statement)
    return str(refused.value.sqlstate)


async def test_a_change_needs_the_advertisers_own_press(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    target_id, advertiser_id = asked.target.id, asked.advertiser.user_id
    change = CHANGE.format(target_id, 1, advertiser_id)
    async with database.sessions.begin() as session:
        for price in (6_000, 7_000):
            await change_requests.ask_as_owner(
                session, actor=asked.owner, target_id=target_id, version=1, price=price
            )
    accept = AcceptChange(id=target_id, version=1, request_id=1).pack()
    await _press(database, asked.owner, accept)
    for data in (
        OnChange(act=ChangeAct.ASK, id=target_id, version=1).pack(),
        AcceptChange(id=target_id, version=2, request_id=1).pack(),
        AcceptChange(id=target_id + 1, version=1, request_id=1).pack(),
        AcceptChange(id=target_id, version=1, request_id=2).pack(),  # asks for another price
    ):
        await _press(database, asked.advertiser, data)
    assert await refused_state(bot, change) == "AD092"
    handled = await _press(database, asked.advertiser, accept)
    await database.as_owner(f"UPDATE inbox SET done_at = clock() WHERE id = {handled}")
    assert await refused_state(bot, change) == "AD092"
    await _press(database, asked.advertiser, accept)
    assert await bot.fetchval(CHANGE.format(target_id, 1, asked.owner.user_id)) == "not_found"
    assert await bot.fetchval(CHANGE.format(target_id, 2, advertiser_id)) == "version_changed"
    assert await bot.fetchval(change) is None
    assert await bot.fetchval(change) == "repeated"


async def test_the_last_button_of_a_form_is_a_press_too(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    await _press(database, asked.advertiser, "abcdef\x1dsubmit")
    change = CHANGE.format(asked.target.id, 1, asked.advertiser.user_id)
    assert await bot.fetchval(change) is None


async def test_an_answer_counts_for_the_version_of_its_button(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    target_id, owner_id = asked.target.id, asked.owner.user_id
    async with database.sessions.begin() as session:
        await placement_versions.change_ad(
            session,
            actor=asked.advertiser,
            target_id=target_id,
            version=1,
            creative=people.advert("Other bread"),
        )
    answer = f"SELECT code FROM answer_placement({target_id}, {owner_id}, 'accepted', '', NULL{{}})"
    await _press(database, asked.owner, f"offer:accepted:{target_id}:")
    await _press(
        database, asked.owner, OnOffer(act=OfferAct.ACCEPT, id=target_id, version=1).pack()
    )
    assert await bot.fetchval(answer.format("")) == "version_changed"
    assert await refused_state(bot, answer.format(", 2")) == "AD101"
    await _press(
        database, asked.owner, OnOffer(act=OfferAct.ACCEPT, id=target_id, version=2).pack()
    )
    assert await bot.fetchval(answer.format(", 2")) is None


async def test_nobody_approves_a_version_by_the_answer_to_an_earlier_one(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    target_id = asked.target.id
    async with database.sessions.begin() as session:
        await agreements.accept(session, actor=asked.owner, target_id=target_id)
    await database.as_owner(f"UPDATE campaign_targets SET {NEW_VERSION} WHERE id = {target_id}")
    approve = (
        "UPDATE campaign_targets SET status = 'approved',"
        f" decided_by = {asked.moderator.user_id} WHERE id = {target_id}"
    )
    publish = (
        "INSERT INTO post_jobs (campaign_target_id, channel_id, due_at)"
        f" VALUES ({target_id}, {asked.channel.id}, clock())"
    )
    for statement in (approve, publish):
        assert await refused_state(bot, statement) == "AD100"
        assert await _refused_to_the_owner(database, statement) == "AD100"


async def test_terms_change_only_with_the_version(database: Database, asked: Deal) -> None:
    where = f"WHERE id = {asked.target.id}"
    for column in ("price = 1", "promised_hours = 1", "publish_at = clock()", "ending = 'endless'"):
        statement = f"UPDATE campaign_targets SET {column} {where}"
        assert await _refused_to_the_owner(database, statement) == "AD031"
    for columns in (
        "creative = '{}'",
        "changed_at = clock()",
        NEW_VERSION.replace("version + 1", "version + 2"),
        NEW_VERSION.replace("agreed_at = NULL", "agreed_at = clock()"),
        NEW_VERSION.replace("clock() + '1 hour'", "NULL"),
        f"{NEW_VERSION}, status = 'withdrawn'",
    ):
        statement = f"UPDATE campaign_targets SET {columns} {where}"
        assert await _refused_to_the_owner(database, statement) == "AD093", columns
    await database.as_owner(f"UPDATE campaign_targets SET {NEW_VERSION}, price = 1 {where}")
    backwards = NEW_VERSION.replace("version + 1", "version - 1")
    statement = f"UPDATE campaign_targets SET {backwards} {where}"
    assert await _refused_to_the_owner(database, statement) == "AD093"


async def test_money_that_is_held_freezes_the_version(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.approved(session)
    change = f"UPDATE campaign_targets SET {NEW_VERSION} WHERE id = {made.target.id}"
    assert await _refused_to_the_owner(database, change) == "AD093"


async def test_the_bot_writes_versions_only_by_the_function(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    for statement in (
        f"UPDATE campaign_targets SET {NEW_VERSION}",
        (
            "INSERT INTO placement_versions (campaign_target_id, version, creative, price,"
            f" promised_hours) VALUES ({asked.target.id}, 1, '{{}}', 1, 1)"
        ),
    ):
        assert await refused_state(bot, statement) == "42501"
    await database.as_owner(f"UPDATE campaign_targets SET {NEW_VERSION}")
    for table in ("placement_versions", "change_requests"):
        assert await _refused_to_the_owner(database, f"DELETE FROM {table}") == "AD006"


async def test_a_new_placement_has_the_ad_of_its_campaign(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    await _press(database, asked.advertiser, "abcdef\x1dsubmit")
    insert = (
        "INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price, promised_hours,"
        " fee_bps, answer_due_at, {0}) SELECT campaign_id, channel_id, owner_id, price,"
        " promised_hours, fee_bps, answer_due_at, {1} FROM campaign_targets LIMIT 1"
    )
    for column, value in (("version", "2"), ("changed_at", "clock()"), ("creative", "'{}'::jsonb")):
        assert await refused_state(bot, insert.format(column, value)) == "AD094", column
    assert await refused_state(bot, insert.format("version", "1")) is None
