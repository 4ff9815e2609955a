"""Test that the database keeps the formats of channels and of placements as they were written."""

import asyncpg
import pytest

from services.market import format_changes
from services.market.terms import Terms
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, rows
from tests.factories.people import Deal

OFFERED = (
    "SELECT price, promised_hours, hours_on_top, ending FROM channel_formats"
    " WHERE retired_at IS NULL ORDER BY promised_hours"
)

TAKEN_DOWN = "(channel_id, price, promised_hours, ending)"
COLUMNS = "(channel_id, price, promised_hours, hours_on_top)"


@pytest.fixture
async def deal(database: Database) -> Deal:
    """Return a placement in a channel that sells two formats."""
    async with database.sessions.begin() as session:
        made = await people.deal(session)
        await format_changes.put(
            session, actor=made.owner, channel_id=made.channel.id, terms=Terms(9_000, 48, 2)
        )
        return made


async def _offered(database: Database) -> list[tuple[object, ...]]:
    async with database.sessions.begin() as session:
        return await rows.table(session, OFFERED)


@pytest.mark.usefixtures("deal")
@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE channel_formats SET price = 1", "AD031"),
        ("UPDATE channel_formats SET ending = 'endless'", "AD031"),
        ("UPDATE channel_formats SET hours_on_top = 1", "AD031"),
        ("UPDATE channel_formats SET retired_at = NULL WHERE retired_at IS NOT NULL", "AD031"),
        ("DELETE FROM channel_formats", "AD006"),
        ("TRUNCATE channel_formats", "AD006"),
        ("UPDATE campaign_targets SET hours_on_top = 1", "AD031"),
        ("UPDATE campaign_targets SET ending = 'endless'", "AD031"),
        (f"INSERT INTO channel_formats {COLUMNS} SELECT id, 1, 24, 25 FROM channels", "23514"),
        (f"INSERT INTO channel_formats {COLUMNS} SELECT id, 1, 48, 2 FROM channels", "23505"),
        (
            f"INSERT INTO channel_formats {TAKEN_DOWN} SELECT id, 1, 48, 'removed' FROM channels",
            "23514",
        ),
    ],
)
async def test_formats_never_change(database: Database, statement: str, state: str) -> None:
    await database.as_owner(
        "UPDATE channel_formats SET retired_at = clock() WHERE promised_hours = 24"
    )
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner(statement)
    assert refused.value.sqlstate == state


@pytest.mark.usefixtures("deal")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE channel_formats SET price = 1",
        "DELETE FROM channel_formats",
        "UPDATE campaign_targets SET ending = 'endless'",
    ],
)
async def test_the_bots_login_has_no_right_to_rewrite_formats(
    bot: asyncpg.Connection, statement: str
) -> None:
    assert await refused_state(bot, statement) == "42501"


@pytest.mark.usefixtures("deal")
async def test_terms_of_the_previous_release_are_the_only_format(
    database: Database, bot: asyncpg.Connection
) -> None:
    assert await _offered(database) == [(5_000, 24, 0, "left"), (9_000, 48, 2, "left")]
    await bot.execute("UPDATE channels SET price = 5000, promised_hours = 24, topic = 'x'")
    assert len(await _offered(database)) == 2, "the first format has these terms"
    await bot.execute("UPDATE channels SET price = 9000, promised_hours = 48")
    assert await _offered(database) == [(9_000, 48, 0, "left")]
    await bot.execute("UPDATE channels SET status = 'removed'")
    await bot.execute("UPDATE channels SET status = 'pending', price = NULL, promised_hours = NULL")
    assert await _offered(database) == []


@pytest.mark.usefixtures("deal")
async def test_the_migration_makes_one_format_of_each_priced_channel(database: Database) -> None:
    await database.as_owner(
        "ALTER TABLE channel_formats DISABLE TRIGGER USER; TRUNCATE channel_formats;"
        " ALTER TABLE channel_formats ENABLE TRIGGER USER"
    )
    await database.as_owner("UPDATE channels SET price = price WHERE price IS NOT NULL")
    assert await _offered(database) == [(5_000, 24, 0, "left")]
