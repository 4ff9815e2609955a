"""Test that the database keeps the content of campaigns that were activated."""

import asyncpg
import pytest

from bot.result_callbacks import CountAct, CountClicks
from services.market import campaigns
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE campaigns SET name = 'x'",
        "UPDATE campaigns SET creative = '{}'",
        "UPDATE campaigns SET total_budget = 1",
        "DELETE FROM campaigns",
    ],
)
async def test_the_bots_login_changes_campaigns_by_the_functions_alone(
    bot: asyncpg.Connection, statement: str
) -> None:
    assert await refused_state(bot, statement) == "42501"


async def test_the_content_of_an_activated_campaign_stays(
    database: Database, owner: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        actor = await people.person(session)
        made = await campaigns.create(
            session, actor=actor, name="Bakery", creative=people.advert(), total_budget=100
        )
    await owner.execute("UPDATE campaigns SET name = 'A', creative = '{}', total_budget = 90")
    assert await refused_state(owner, "UPDATE campaigns SET advertiser_id = 2") == "AD031"
    async with database.sessions.begin() as session:
        await campaigns.activate(session, actor=actor, campaign_id=made.id)
    for change in ("name = 'B'", "creative = '[]'", "total_budget = 89", "advertiser_id = 2"):
        assert await refused_state(owner, f"UPDATE campaigns SET {change}") == "AD031", change
    await owner.execute("UPDATE campaigns SET total_budget = 91")
    async with database.sessions.begin() as session:
        await campaigns.cancel(session, actor=actor, campaign_id=made.id)
    assert await refused_state(owner, "UPDATE campaigns SET total_budget = 92") == "AD031"


async def _say(database: Database, who: Actor, data: str = "", words: str = "") -> None:
    async with database.sessions.begin() as session:
        if data:
            await presses.press(session, who, data)
        else:
            await presses.write(session, who, words)


async def test_a_draft_changes_only_by_its_advertisers_own_press(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        actor, other = await people.person(session), await people.person(session)
        made = await campaigns.create(
            session, actor=actor, name="Bakery", creative=people.advert(), total_budget=100
        )
    change = f"SELECT code FROM change_campaign({made.id}, {actor.user_id}, {{}}, NULL)"
    named, raised = change.format("'Shop', NULL, NULL"), change.format("NULL, NULL, 200")
    advertised = change.format("NULL, '{}', NULL")
    deleted = f"SELECT code FROM delete_draft({made.id}, {actor.user_id}, NULL)"
    for statement in (named, advertised, raised):
        assert await refused_state(bot, statement) == "AD182"
    await _say(database, other, "form\x1dsave")
    for data in (
        "form\x1dsave_all",
        "save",
        f"camp:delete:{made.id}",
        f"camp:delete_sure:{made.id}0",
    ):
        await _say(database, actor, data)
    for statement in (named, advertised):
        assert await refused_state(bot, statement) == "AD182"
    assert await refused_state(bot, deleted) == "AD183"
    assert await refused_state(bot, raised) is None
    await _say(database, actor, "form\x1dsave")
    assert await refused_state(bot, named, advertised) is None
    assert await refused_state(bot, deleted) == "AD183"
    await _say(database, actor, f"camp:delete_sure:{made.id}")
    assert await refused_state(bot, deleted) is None


async def test_clicks_are_counted_only_by_the_advertisers_own_press(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        actor, other = await people.person(session), await people.person(session)
        made = await people.campaign(session, actor)
    choose = f"UPDATE campaigns SET link_base = {{}} WHERE id = {made.id}"
    counted, uncounted = choose.format("'https://go.example'"), choose.format("NULL")
    on, off = (CountClicks(act=act, id=made.id).pack() for act in (CountAct.ON, CountAct.OFF))
    await _say(database, other, on)
    await _say(database, actor, off)
    await _say(database, actor, f"{on}0")
    assert await refused_state(bot, counted) == "AD184"
    await _say(database, actor, on)
    assert await refused_state(bot, counted) is None
    await bot.execute(counted)
    assert await refused_state(bot, uncounted) is None
    await database.as_owner("UPDATE inbox SET done_at = clock()")
    assert await refused_state(bot, uncounted) == "AD184"
