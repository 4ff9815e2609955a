"""Test that a late post waits for the hours of its channel, and that both sides are told once."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import TargetStatus
from services.market import calendars
from services.money import stuck_escrows
from services.posts import late_posts
from tests.conftest import Database
from tests.factories import one_post, people, rows
from tests.factories.people import Deal

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TOLD = "SELECT user_id, payload->>'to' FROM outbox WHERE kind = 'post_waits_for_hours' ORDER BY id"


async def _planned(database: Database) -> tuple[Deal, datetime]:
    """Approve a post for 21:30 of tomorrow, in a channel with ads from 20:00 to 22:00."""
    async with database.sessions.begin() as session:
        made = await people.deal(session, balance=100_000)
        await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
        await calendars.set_hours(
            session,
            actor=made.owner,
            channel_id=made.channel.id,
            opens_at=20 * 60,
            closes_at=22 * 60,
        )
        tomorrow = await queries.now(session) + timedelta(days=1)
        at = tomorrow.replace(hour=21, minute=30, second=0, microsecond=0)
        target = await people.another(session, made, publish_at=at)
    return Deal(
        made.advertiser, made.owner, made.moderator, made.campaign, made.channel, target
    ), at


async def _move_to(database: Database, at: datetime) -> None:
    async with database.sessions.begin() as session:
        now = await queries.now(session)
    await database.forward(at - now)


async def _is_claimed(database: Database) -> bool:
    async with database.sessions() as session:
        claim = await one_post.claim(session, owner="w", lease=people.LEASE)
        await session.rollback()
    return claim is not None


async def test_a_late_post_waits_for_the_next_hours_and_both_are_told(database: Database) -> None:
    made, at = await _planned(database)
    await _move_to(database, at + 20 * MINUTE)
    assert await _is_claimed(database)  # it is late, in the hours of the channel
    async with database.sessions.begin() as session:
        assert await late_posts.notify(session, limit=9) == 0
    await _move_to(database, at + HOUR)
    assert not await _is_claimed(database)
    for told in (1, 0):
        async with database.sessions.begin() as session:
            assert await late_posts.notify(session, limit=9) == told
            assert await rows.table(session, TOLD) == [
                (made.owner.user_id, "owner"),
                (made.advertiser.user_id, "advertiser"),
            ]
    await _move_to(database, at + 22.5 * HOUR)
    assert await _is_claimed(database)


async def test_a_post_in_time_is_claimed_just_after_the_end_of_the_hours(
    database: Database,
) -> None:
    made, at = await _planned(database)
    async with database.sessions.begin() as session:
        await calendars.set_hours(
            session,
            actor=made.owner,
            channel_id=made.channel.id,
            opens_at=20 * 60,
            closes_at=21 * 60,
        )
    await _move_to(database, at + 9 * MINUTE)
    assert await _is_claimed(database)
    async with database.sessions.begin() as session:
        assert await late_posts.notify(session, limit=9) == 0
    await _move_to(database, at + 11 * MINUTE)
    assert not await _is_claimed(database)


async def test_a_post_whose_hours_come_too_late_is_refunded(database: Database) -> None:
    made, at = await _planned(database)
    async with database.sessions.begin() as session:
        weekday = (at + timedelta(days=1)).isoweekday()
        await calendars.set_weekday(
            session,
            actor=made.owner,
            channel_id=made.channel.id,
            weekday=weekday,
            is_open=False,
        )
    await _move_to(database, at + 23 * HOUR)
    assert not await _is_claimed(database)
    await _move_to(database, at + 25 * HOUR)
    async with database.sessions.begin() as session:
        assert await stuck_escrows.refund_stuck_escrows(session) == 1
        status = await rows.one(
            session, "SELECT status FROM campaign_targets WHERE id = :id", id=made.target.id
        )
        assert status == TargetStatus.REFUNDED


async def test_a_channel_without_a_calendar_has_no_hours(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    await database.forward(timedelta(hours=3))
    assert await _is_claimed(database)


async def test_waiting_posts_are_found_by_indexes(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = str(await rows.table(session, f"EXPLAIN {late_posts._WAITING.text}", limit=9))
    assert "ix_post_jobs_queued" in plan
    assert "Seq Scan" not in plan
