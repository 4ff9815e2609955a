"""Test that a stolen login cannot cancel a placement, or hide or invent a cancellation."""

from datetime import timedelta

import asyncpg
import pytest

from bot.callbacks import BESIDE, CancelPlacement, OnPlacement, PlacementAct
from db import queries
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.people import Deal

NO_RIGHT = "42501"


@pytest.fixture
async def planned(database: Database) -> Deal:
    async with database.sessions.begin() as session:
        at = await queries.now(session) + timedelta(days=2)
        return await people.approved(session, publish_at=at)


def _cancel(made: Deal, reason: str = "plans", actor_id: int | None = None) -> str:
    return (
        f"SELECT code FROM cancel_placement({made.target.id},"
        f" {actor_id or made.advertiser.user_id}, '{reason}', '1 hour', NULL)"
    )


async def test_a_cancellation_needs_the_advertisers_own_press_of_this_button(
    database: Database, bot: asyncpg.Connection, planned: Deal
) -> None:
    target_id = planned.target.id
    button = CancelPlacement(id=target_id, reason="plans").pack()

    async def press(who: Actor, data: str) -> int:
        async with database.sessions.begin() as session:
            return (await presses.press(session, who, data)).inbox_id or 0

    await press(planned.owner, button)
    for data in (
        CancelPlacement(id=target_id, reason="other").pack(),
        CancelPlacement(id=target_id + 1, reason="plans").pack(),
        OnPlacement(act=PlacementAct.CANCEL, id=target_id).pack(),
    ):
        await press(planned.advertiser, data)
    assert await refused_state(bot, _cancel(planned)) == "AD160"
    for column in ("done_at", "failed_at"):
        handled = await press(planned.advertiser, button)
        await database.as_owner(f"UPDATE inbox SET {column} = clock() WHERE id = {handled}")
    assert await refused_state(bot, _cancel(planned)) == "AD160"
    await press(planned.advertiser, BESIDE + button)
    assert await bot.fetchval(_cancel(planned, actor_id=planned.owner.user_id)) == "not_found"
    assert await bot.fetchval(_cancel(planned)) is None
    assert await bot.fetchval(_cancel(planned)) == "repeated"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE campaign_targets SET cancelled_at = clock()",
        "UPDATE campaign_targets SET status = 'refunded', cancelled_at = clock()",
        "UPDATE escrows SET status = 'refunded'",
    ],
)
async def test_no_login_writes_a_cancellation(bot: asyncpg.Connection, statement: str) -> None:
    assert await refused_state(bot, statement) == NO_RIGHT


@pytest.mark.usefixtures("planned")
async def test_the_time_of_a_cancellation_is_written_once(database: Database) -> None:
    refund = "UPDATE campaign_targets SET status = 'refunded', cancelled_at = clock()"
    connection = await asyncpg.connect(database.owner_url)
    cancelled = "UPDATE post_jobs SET status = 'cancelled'"
    for statements in (
        [refund],
        [cancelled, "UPDATE campaign_targets SET cancelled_at = clock()"],
        [cancelled, refund, "UPDATE campaign_targets SET cancelled_at = NULL"],
        [cancelled, refund, "UPDATE campaign_targets SET cancelled_at = '2020-01-01'"],
        [
            cancelled,
            "UPDATE campaign_targets SET status = 'refunded'",
            "UPDATE campaign_targets SET cancelled_at = clock()",
        ],
    ):
        assert await refused_state(connection, *statements) == "AD161", statements
    assert await refused_state(connection, cancelled, refund) is None
    await database.as_owner("ALTER TABLE campaign_targets DISABLE TRIGGER cancelled_once")
    assert await refused_state(connection, "UPDATE campaign_targets SET cancelled_at = now()") == (
        "23514"
    )
    await connection.close()
