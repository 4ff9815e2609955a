"""Test that the database keeps the content of campaigns that were activated."""

import asyncpg
import pytest

from services.market import campaigns
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people


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
