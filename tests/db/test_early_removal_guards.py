"""Test that no login offers a channel again whose early removals the staff have not seen."""

import asyncpg
import pytest

from db.models.users import Role
from db.session import create_engine, create_sessions
from sandbox import embedded, logins
from scheduler import watchdogs
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.removals import remove_early


@pytest.fixture
async def deal(server: embedded.Postgres, database: Database) -> people.Deal:
    """Return a deal in a channel that the scheduler has suspended after early removals."""
    async with database.sessions.begin() as session:
        made = await people.deal(session, balance=100_000)
    await remove_early(database, made, 3)
    name = database.url.partition("@/")[2].partition("?")[0]
    engine = create_engine(server.dsn(logins.CLOCK, name))
    await watchdogs.suspend_after_removals(create_sessions(engine))
    await engine.dispose()
    return made


async def test_an_admin_offers_it_again_by_the_button_of_this_channel(
    database: Database, bot: asyncpg.Connection, deal: people.Deal
) -> None:
    admin, id_ = deal.moderator, deal.channel.id
    call = f"SELECT offer_channel_again({id_}, {admin.user_id}, 'admin', 'mistake', NULL)"
    async with database.sessions.begin() as session:
        others = [deal.advertiser, await people.staff(session, Role.OPERATOR)]
        for other in others:
            await presses.press(session, other, f"removals:offer:{id_}:mistake")
        for wrong in (f"removals:ask:{id_}:", f"removals:offer:{id_}:warned"):
            await presses.press(session, admin, wrong)
        await presses.press(session, admin, f"removals:offer:{id_}0:mistake")
    assert await refused_state(bot, call) == "AD124"
    for other in others:  # who are no admins
        by_other = call.replace(f"{id_}, {admin.user_id}", f"{id_}, {other.user_id}")
        assert await refused_state(bot, by_other) == "AD124"
    async with database.sessions.begin() as session:
        await presses.press(session, admin, f"removals:offer:{id_}:mistake")
    assert await refused_state(bot, call) is None
    async with database.sessions.begin() as session:
        await people.block(session, admin)
    assert await refused_state(bot, call) == "AD124"


@pytest.mark.usefixtures("deal")
@pytest.mark.parametrize(
    "change",
    ["removed_early_at = NULL", "removals_seen_at = clock()"],
)
async def test_no_login_writes_the_columns(bot: asyncpg.Connection, change: str) -> None:
    assert await refused_state(bot, f"UPDATE channels SET {change}") == "42501"


@pytest.mark.usefixtures("deal")
@pytest.mark.parametrize("status", ["active", "paused"])
async def test_it_gets_no_status_in_which_it_is_offered(
    bot: asyncpg.Connection, status: str
) -> None:
    change = f"UPDATE channels SET status = '{status}', status_reason = NULL"
    assert await refused_state(bot, change) == "23514"
