"""Test that a stolen login cannot free, move or double the times that are kept for placements."""

from datetime import timedelta

import asyncpg
import pytest

from db import queries
from services.market import calendars
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people

NO_RIGHT = "42501"
VALUES = "1, 1, clock(), clock() + interval '1 hour'"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kept_times SET freed_at = clock()",
        "UPDATE kept_times SET kept_from = clock()",
        "DELETE FROM kept_times",
        "DELETE FROM channel_calendars",
        (
            "INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)"
            f" VALUES ({VALUES})"
        ),
    ],
)
async def test_no_login_writes_a_kept_time(bot: asyncpg.Connection, statement: str) -> None:
    assert await refused_state(bot, statement) == NO_RIGHT


async def test_the_database_refuses_times_that_overlap(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, balance=100_000)
        await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
        at = await queries.now(session) + timedelta(days=2)
        await people.another(session, made, publish_at=at, decide=False)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await database.as_owner(
            "INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)"
            " SELECT $1, channel_id, kept_from + interval '59 minutes', kept_until + interval '1 h'"
            " FROM kept_times",
            made.target.id,
        )
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner(
            "INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price,"
            " promised_hours, fee_bps, publish_at, answer_due_at) SELECT campaign_id, channel_id,"
            " owner_id, price, promised_hours, fee_bps, publish_at, answer_due_at"
            " FROM campaign_targets WHERE publish_at IS NOT NULL"
        )
    assert refused.value.sqlstate == "AD110"
