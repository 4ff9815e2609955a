"""Test that the ads of a channel have times of their own, by the channel's calendar."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.calendars import KeptTime
from db.models.campaigns import CampaignTarget
from db.models.formats import Ending
from db.models.posting import PostJob
from services.market import (
    agreements,
    calendars,
    campaigns,
    change_requests,
    formats,
    kept_times,
    moderation,
    placement_expiry,
    placement_versions,
)
from services.market.kept_times import AHEAD, SUGGESTED
from services.market.terms import Terms
from services.money import escrow, scoped_invariants, stuck_escrows
from services.money.scoped_invariants import Scope
from services.platform import operation_facts
from services.platform.calendar_errors import NoFreeTime, TimeNotFree
from tests.conftest import Database
from tests.factories import concurrency, one_post, people
from tests.factories.people import Deal

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def _opened(session: AsyncSession, *, asks: bool = False) -> Deal:
    """Create a pending placement in a channel that gets a calendar afterwards."""
    made = await people.deal(session, balance=100_000, asks=asks)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    return made


async def _next_day(session: AsyncSession, hour: int = 12) -> datetime:
    """Return an hour of the day after tomorrow, in UTC."""
    now = await queries.now(session)
    return datetime(now.year, now.month, now.day, hour, tzinfo=UTC) + 2 * DAY


async def _kept(session: AsyncSession, made: Deal) -> list[datetime]:
    found = await session.scalars(
        select(KeptTime.kept_from)
        .where(KeptTime.channel_id == made.channel.id, KeptTime.freed_at.is_(None))
        .order_by(KeptTime.kept_from)
    )
    return list(found)


async def _buy(session: AsyncSession, made: Deal, at: datetime | None) -> CampaignTarget:
    return await people.another(session, made, publish_at=at, decide=False)


async def _refused(session: AsyncSession, made: Deal, at: datetime) -> TimeNotFree:
    with pytest.raises(TimeNotFree) as refused:
        await _buy(session, made, at)
    return refused.value


async def test_a_channel_without_a_calendar_keeps_no_times(session: AsyncSession) -> None:
    made = await people.deal(session, balance=100_000)
    at = await _next_day(session)
    await _buy(session, made, at)
    await _buy(session, made, at)
    assert await _kept(session, made) == []
    assert await kept_times.soonest(session, made.channel.id) is None


async def test_an_ad_closer_than_the_gap_is_refused_with_the_next_free_times(
    session: AsyncSession,
) -> None:
    made = await _opened(session)
    at = await _next_day(session)
    await _buy(session, made, at)
    for close in (-timedelta(minutes=59), timedelta(), timedelta(minutes=59)):
        refused = await _refused(session, made, at + close)
        assert refused.why == "taken"
        assert refused.times == tuple(at + HOUR * (number + 1) for number in range(SUGGESTED))
    for apart in (-HOUR, HOUR):
        await _buy(session, made, at + apart)
    assert await _kept(session, made) == [at - HOUR, at, at + HOUR]


async def test_no_ad_comes_within_the_hours_on_top_of_another(session: AsyncSession) -> None:
    made = await people.deal(session, balance=100_000, hours_on_top=3)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    at = await _next_day(session)
    await _buy(session, made, at)
    for close in (-2 * HOUR, HOUR, 2 * HOUR):
        assert (await _refused(session, made, at + close)).why == "taken"
    assert (await _refused(session, made, at + HOUR)).times[0] == at + 3 * HOUR
    on_top = timedelta(hours=3)
    for wanted, first in ((timedelta(), at - HOUR), (on_top, at + 3 * HOUR)):
        times = await kept_times.free(
            session,
            made.channel.id,
            after=at - HOUR,
            until=at + 9 * HOUR,
            wanted=1,
            on_top=wanted,
        )
        assert times == [first]
    await _buy(session, made, at + 3 * HOUR)
    assert await _kept(session, made) == [at, at + 3 * HOUR]


async def test_an_approved_ad_gets_the_first_time_after_the_hours_on_top(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, balance=100_000, hours_on_top=3)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    other = await _buy(session, made, None)
    await people.approve(session, made)
    await moderation.approve(session, actor=made.moderator, target_id=other.id)
    first, second = await _kept(session, made)
    assert second - first == timedelta(hours=3)


async def test_other_hours_on_top_of_a_version_need_room_too(session: AsyncSession) -> None:
    made = await people.deal(session, balance=100_000, asks=True)
    await calendars.reset(session, actor=made.owner, channel_id=made.channel.id, time_zone=None)
    await formats.add(session, made.channel.id, Terms(people.PRICE, 48, 3, Ending.LEFT))
    long_format = (await formats.of_channel(session, made.channel.id))[-1]
    at = await _next_day(session)
    target = await _buy(session, made, at)
    await _buy(session, made, at + 2 * HOUR)
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=target.id, version=1, format_id=long_format.id
    )
    asked = queries.required(await change_requests.find_open(session, target.id))
    with pytest.raises(TimeNotFree):
        async with session.begin_nested():
            await placement_versions.accept_request(
                session, actor=made.advertiser, target_id=target.id, version=1, request_id=asked.id
            )


async def _buy_as_another(session: AsyncSession, made: Deal, at: datetime | None) -> CampaignTarget:
    """Submit a placement of another advertiser in the same channel."""
    advertiser = await people.person(session, balance=20_000)
    campaign = await people.campaign(session, advertiser)
    return await campaigns.submit_target(
        session,
        actor=advertiser,
        campaign_id=campaign.id,
        channel_id=made.channel.id,
        publish_at=at,
        fee_bps=people.FEE_BPS,
    )


async def test_two_buyers_of_one_time_get_one_time_and_one_apology(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        at = await _next_day(session)
    apology = await concurrency.run_behind(
        database.sessions,
        lambda session: _buy(session, made, at),
        lambda session: _buy_as_another(session, made, at),
    )
    assert isinstance(apology, TimeNotFree)
    assert apology.times == (at + HOUR, at + 2 * HOUR, at + 3 * HOUR)
    async with database.sessions.begin() as session:
        assert await _kept(session, made) == [at]


async def test_posts_that_are_approved_at_once_get_times_of_their_own(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        other = await _buy_as_another(session, made, None)
        admin = await people.staff(session)
    await concurrency.run_behind(
        database.sessions,
        lambda session: people.approve(session, made),
        lambda session: moderation.approve(session, actor=admin, target_id=other.id),
    )
    async with database.sessions.begin() as session:
        first, second = await _kept(session, made)
    assert second == first + HOUR


async def test_soon_is_now_and_then_the_next_time_after_the_gap(session: AsyncSession) -> None:
    made = await _opened(session)
    await people.approve(session, made)
    second = await people.another(session, made)
    first_at, second_at = await _kept(session, made)
    assert second_at - first_at == HOUR
    assert await kept_times.soonest(session, made.channel.id) == second_at + HOUR
    due = await session.scalar(
        select(PostJob.due_at).where(PostJob.campaign_target_id == second.id)
    )
    assert due == second_at
    claim = await people.claimed(session)
    assert claim.target_id == made.target.id
    assert await one_post.record_published(session, claim, message_id=10)
    assert await one_post.claim(session, owner="worker", lease=people.LEASE) is None


async def test_soon_needs_a_free_time_within_a_week(session: AsyncSession) -> None:
    made = await _opened(session)
    now = await queries.now(session)
    for number in range(AHEAD.days + 2):
        await calendars.set_day_off(
            session,
            actor=made.owner,
            channel_id=made.channel.id,
            day=now.date() + DAY * number,
            is_off=True,
            today=now.date(),
        )
    with pytest.raises(NoFreeTime):
        await _buy(session, made, None)
    async with session.begin_nested() as attempt:
        with pytest.raises(NoFreeTime):
            await people.approve(session, made)
        await attempt.rollback()
    assert made.target.status == "pending"
    assert await session.scalar(text("SELECT count(*) FROM escrows")) == 0


@pytest.mark.parametrize("end", ["withdraw", "reject", "decline", "refund"])
async def test_the_time_of_a_placement_that_ends_is_free_again(
    session: AsyncSession, end: str
) -> None:
    made = await _opened(session, asks=end == "decline")
    at = await _next_day(session)
    target = await _buy(session, made, at)
    await _refused(session, made, at)
    if end == "withdraw":
        await campaigns.withdraw_target(session, actor=made.advertiser, target_id=target.id)
    elif end == "reject":
        await moderation.reject(
            session, actor=made.moderator, target_id=target.id, reason="misleading"
        )
    elif end == "decline":
        await agreements.decline(session, actor=made.owner, target_id=target.id, reason="topic")
    else:
        await moderation.approve(session, actor=made.moderator, target_id=target.id)
        await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
        await escrow.refund(session, target_id=target.id)
    assert await _kept(session, made) == []
    assert await kept_times.free(session, made.channel.id, after=at, until=at, wanted=1) == [at]


async def test_the_time_of_an_expired_placement_is_free_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session, asks=True)
        await _buy(session, made, await _next_day(session))
        assert len(await _kept(session, made)) == 1
    await database.forward(agreements.ANSWER_TIME)
    async with database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
        assert await _kept(session, made) == []


async def test_a_late_post_moves_the_next_one(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        await people.approve(session, made)
        second = await people.another(session, made)
    await database.forward(timedelta(minutes=50))
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert claim.target_id == made.target.id
        assert await one_post.record_published(session, claim, message_id=10)
    for minutes, due in ((11, False), (47, False), (2, True)):
        await database.forward(timedelta(minutes=minutes))
        async with database.sessions.begin() as session:
            claimed = await one_post.claim(session, owner="worker", lease=people.LEASE)
            assert (claimed is not None) is due
    assert claimed is not None
    assert claimed.target_id == second.id


async def test_a_post_in_time_moves_no_other(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        await people.approve(session, made)
        await people.another(session, made)
        claim = await people.claimed(session)
        assert await one_post.record_published(session, claim, message_id=10)
    await database.forward(HOUR)
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="worker", lease=people.LEASE) is not None


async def test_money_is_refunded_only_after_the_kept_time(database: Database) -> None:
    sla = 2 * HOUR
    async with database.sessions.begin() as session:
        made = await _opened(session)
        await calendars.set_gap(session, actor=made.owner, channel_id=made.channel.id, gap=4 * HOUR)
        await people.approve(session, made)
        second = await people.another(session, made)
        claim = await people.claimed(session)
        assert await one_post.record_published(session, claim, message_id=10)
    refunded: list[int] = []
    for _ in range(2):
        await database.forward(3.1 * HOUR)
        async with database.sessions.begin() as session:
            facts = await operation_facts.read(session, sla=sla)
            assert facts.numbers["escrows_late"] == len(refunded)
            refunded.append(await stuck_escrows.refund_stuck_escrows(session, sla=sla))
    assert refunded == [0, 1]
    async with database.sessions.begin() as session:
        assert (await session.get_one(CampaignTarget, second.id)).status == "refunded"


async def test_another_publish_time_frees_the_earlier_one(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        at = await _next_day(session)
        target = await _buy(session, made, at)
        await _buy(session, made, at + 2 * HOUR)
    await database.as_owner("ALTER TABLE campaign_targets DISABLE TRIGGER frozen")
    move = "UPDATE campaign_targets SET publish_at = $1 WHERE id = $2"
    for minutes in (30, 45):  # close to its own earlier time, which does not count
        await database.as_owner(move, at + timedelta(minutes=minutes), target.id)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner(move, at + 1.5 * HOUR, target.id)
    assert refused.value.sqlstate == "AD110"
    async with database.sessions.begin() as session:
        assert await _kept(session, made) == [at + 0.75 * HOUR, at + 2 * HOUR]
    await database.as_owner(move, None, target.id)
    async with database.sessions.begin() as session:
        assert await _kept(session, made) == [at + 2 * HOUR]
        await moderation.approve(session, actor=made.moderator, target_id=target.id)
        assert len(await _kept(session, made)) == 2


async def test_no_query_reads_the_whole_table(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _opened(session)
        channel_id, at = made.channel.id, await _next_day(session)
    for statement in (
        "ALTER TABLE kept_times DROP CONSTRAINT fk_kept_times_campaign_target_id",
        "ALTER TABLE kept_times DROP CONSTRAINT fk_kept_times_channel_id",
        (
            "INSERT INTO kept_times (campaign_target_id, channel_id, kept_from, kept_until)"
            " SELECT 1000 + n, 1000 + n % 200, at, at + interval '1 hour' FROM (SELECT n,"
            " clock() + n / 200 * interval '1 hour' AS at FROM generate_series(1, 20000) n) AS ad"
        ),
        "ANALYZE kept_times",
        f"UPDATE kept_times SET channel_id = {channel_id} WHERE channel_id = 1007",
    ):
        await database.as_owner(statement)
    scanned = text(
        "SELECT coalesce(seq_scan, 0), idx_scan FROM pg_stat_xact_user_tables"
        " WHERE relname = 'kept_times'"
    )
    async with database.sessions.begin() as session:
        assert await kept_times.soonest(session, channel_id) is not None
        days = [at.date() + DAY * number for number in range(31)]
        assert len(await kept_times.free_days(session, channel_id, days, UTC)) > 5
        await kept_times.planned(session, channel_id, begin=at, end=at + DAY)
        with pytest.raises(TimeNotFree):
            await kept_times.require(session, channel_id, at)
        scoped = Scope(targets=frozenset(range(1_000, 1_100)))
        assert await scoped_invariants.find_violations(session, scoped) == []
        whole, by_index = (await session.execute(scanned)).one()
    assert whole == 0
    assert by_index > 0
