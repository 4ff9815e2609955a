"""Test what an advertiser learns about the ads, and what is counted for each channel."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelSubscribers
from db.models.campaigns import TargetStatus
from db.models.complaints import ComplaintKind
from db.models.posting import Verdict
from services.market import channel_activity, complaints, link_clicks, results
from services.market.creatives import Creative
from services.market.link_clicks import Clicks
from services.market.results import Day, Result, Total
from services.money import escrow
from services.platform import errors
from services.posts import verification
from tests.conftest import Database
from tests.factories import one_post, people, rows, tracked
from tests.factories.people import Deal

TODAY = date(2026, 5, 2)
CHANNELS = "SELECT measured_ads, median_clicks, price_per_click FROM channel_clicks"


def result(**facts: object) -> Result:
    """Return a published placement whose clicks are counted."""
    known = {
        "target_id": 1,
        "channel_title": "News",
        "price": 1_000,
        "status": TargetStatus.POSTED,
        "promised_hours": 24,
        "published_at": None,
        "kept_hours": 24,
        "subscribers": 100,
        "counted_on": TODAY,
        "is_tracked": True,
    }
    return Result(**(known | facts))  # type: ignore[arg-type]  # each test gives right values


async def publish(session: AsyncSession, made: Deal) -> int:
    """Approve a placement and record its post. Return the id of the post job."""
    await people.approve(session, made)
    claim = await people.claimed(session)
    assert await one_post.record_published(session, claim, message_id=10 + made.target.id)
    return claim.job_id


async def click(session: AsyncSession, made: Deal, people_: int, *, repeats: int = 0) -> None:
    """Count clicks of new people on a placement, today."""
    day = (await link_clicks.now(session)).date()
    batch = [
        Clicks(made.target.id, day, number.to_bytes(16, "big"), 1 + (repeats if not number else 0))
        for number in range(people_)
    ]
    assert await link_clicks.record(session, [*batch, Clicks(made.target.id, day, None, 2)]) == 0


async def test_the_result_of_a_placement(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    nothing = await results.of_placement(session, actor=made.advertiser, target_id=made.target.id)
    assert (nothing.published_at, nothing.kept_hours, nothing.subscribers) == (None, None, None)
    moment = await link_clicks.now(session)
    for back, count in ((9, 900), (2, 1_150)):
        session.add(
            ChannelSubscribers(
                channel_id=made.channel.id,
                day=moment.date() - timedelta(days=back),
                count=count,
            )
        )
    job_id = await publish(session, made)
    await verification.record_check(
        session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x", altered_parts=[]
    )
    await click(session, made, 3, repeats=4)
    found = await results.of_placement(session, actor=made.advertiser, target_id=made.target.id)
    assert found.published_at is not None
    assert (found.kept_hours, found.promised_hours) == (0, 24)
    assert (found.subscribers, found.counted_on) == (1_150, moment.date() - timedelta(days=2))
    assert found.days == (Day(moment.date(), 3, 4, 2),)
    assert found.clicks == 3
    assert Total([found]).price_per_click == -(-people.PRICE // 3)


async def test_reactions_to_an_ad_are_those_that_telegram_told_last(
    session: AsyncSession,
) -> None:
    made = await tracked.deal(session)
    await publish(session, made)
    post = (made.channel.chat_id, 10 + made.target.id)
    found = await results.of_ended(session, made.target.id)
    assert (found.reactions, Total([found]).median_reactions) == (None, None)
    for told in (4, 4, 2):
        await channel_activity.set_reactions(session, {post: told, (post[0], 5): 9, (1, 10): 7})
        found = await results.of_ended(session, made.target.id)
        assert found.reactions == told
    rows_ = (await session.execute(text("SELECT campaign_target_id FROM ad_reactions"))).all()
    assert [row[0] for row in rows_] == [made.target.id]
    posts = [result(reactions=number) for number in (1, 9, None, 4)]
    assert (Total(posts).reacted, Total(posts).median_reactions) == ([1, 9, 4], 4)
    assert Total([*posts, result(reactions=5)]).median_reactions == 4


async def test_results_are_for_the_advertiser_and_the_staff(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    stranger = await people.person(session)
    for who in (made.owner, stranger):
        with pytest.raises(errors.NotFound):
            await results.of_placement(session, actor=who, target_id=made.target.id)
        with pytest.raises(errors.NotCampaignOwner):
            await results.of_campaign(session, actor=who, campaign_id=made.campaign.id)
    await results.of_placement(session, actor=made.moderator, target_id=made.target.id)
    with pytest.raises(errors.NotFound):
        await results.of_placement(session, actor=made.advertiser, target_id=2**40)


async def test_the_results_of_a_campaign_are_those_of_its_published_posts(
    session: AsyncSession,
) -> None:
    made = await tracked.deal(session)
    await publish(session, made)
    await click(session, made, 2)
    await people.another(session, made, decide=False)
    row, found = await results.of_campaign(
        session, actor=made.advertiser, campaign_id=made.campaign.id
    )
    assert row.id == made.campaign.id
    assert [each.target_id for each in found] == [made.target.id]
    assert Total(found).clicks == 2


async def test_a_placement_that_was_kept_counts_its_promised_hours(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await tracked.deal(session, promised_hours=3)
        job_id = await publish(session, made)
    for hours, kept in ((2, 2), (1, 3)):
        await database.forward(timedelta(hours=hours))
        async with database.sessions.begin() as session:
            await verification.record_check(
                session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x", altered_parts=[]
            )
            assert (await results.of_ended(session, made.target.id)).kept_hours == kept
    await database.forward(timedelta(hours=5))
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
        found = await results.of_ended(session, made.target.id)
        assert (found.status, found.kept_hours) == (TargetStatus.POSTED, 3)


async def test_a_channel_is_measured_by_its_paid_ads(session: AsyncSession) -> None:
    first = await tracked.deal(session, promised_hours=0)
    await publish(session, first)
    await click(session, first, 3)
    assert await count_channels(session) == 0  # the owner is not paid yet
    await escrow.release(session, target_id=first.target.id)
    assert await count_channels(session) == 1
    assert await rows.table(session, CHANNELS) == [(1, 3, -(-people.PRICE // 3))]
    second = await people.another(session, first, decide=False)
    made = Deal(
        first.advertiser, first.owner, first.moderator, first.campaign, first.channel, second
    )
    await publish(session, made)
    await escrow.release(session, target_id=second.id)
    await click(session, made, 1)
    assert await count_channels(session) == 1
    assert await rows.table(session, CHANNELS) == [(2, 1, people.PRICE * 2 // 4)]


async def test_the_price_of_a_click_leaves_out_what_came_back(
    session: AsyncSession,
) -> None:
    made = await tracked.deal(session, promised_hours=0)
    await publish(session, made)
    await click(session, made, 3)
    complaint_id = await complaints.open_complaint(
        session, actor=made.advertiser, target_id=made.target.id, kind=ComplaintKind.WRONG
    )
    await complaints.answer(session, actor=made.owner, complaint_id=complaint_id, words="No.")
    await complaints.dispute(session, actor=made.advertiser, complaint_id=complaint_id)
    admin = await people.staff(session)
    await complaints.decide(session, actor=admin, complaint_id=complaint_id, owner_percent=40)
    for side in (made.owner, made.advertiser):
        await complaints.accept(session, actor=side, complaint_id=complaint_id)
    assert await complaints.end_due(session, limit=9) == 1
    await escrow.release(session, target_id=made.target.id)
    assert await count_channels(session) == 1
    paid = people.PRICE * 40 // 100
    assert await rows.table(session, CHANNELS) == [(1, 3, -(-paid // 3))]


async def test_each_channel_is_measured_by_its_own_ads_with_links(session: AsyncSession) -> None:
    first, second = [await tracked.deal(session, promised_hours=0) for _ in range(2)]
    untracked = Creative(kind="text", text="No link")
    without = await tracked.deal(session, promised_hours=0, creative=untracked)
    for made in (first, second, without):
        await publish(session, made)
        await escrow.release(session, target_id=made.target.id)
    await click(session, first, 3)
    assert await count_channels(session) == 2
    assert await rows.table(session, f"{CHANNELS} ORDER BY channel_id") == [
        (1, 3, -(-people.PRICE // 3)),
        (1, 0, None),
    ]


async def test_only_channels_with_news_are_measured_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await tracked.deal(session, promised_hours=0)
        await publish(session, made)
        await click(session, made, 3)
        await escrow.release(session, target_id=made.target.id)
        assert await count_channels(session) == 1
    await database.forward(timedelta(days=3))
    async with database.sessions.begin() as session:
        assert await count_channels(session) == 0


async def test_a_channel_without_a_click_has_no_price_for_one(session: AsyncSession) -> None:
    made = await tracked.deal(session, promised_hours=0)
    plain = await people.deal(session, promised_hours=0)
    for each in (made, plain):
        await publish(session, each)
        await escrow.release(session, target_id=each.target.id)
    await count_channels(session)
    assert await rows.table(session, CHANNELS) == [(1, 0, None)]


async def count_channels(session: AsyncSession) -> int:
    """Count the clicks of the channels again, and return how many channels were counted."""
    counted = await session.scalar(text("SELECT count_channel_clicks()"))
    assert isinstance(counted, int)
    return counted


def test_a_total_leaves_out_what_was_refunded_or_not_counted() -> None:
    at = datetime(2026, 5, 2, tzinfo=UTC)
    days = (Day(TODAY, 2, 1, 5), Day(TODAY + timedelta(days=2), 1, 0, 0))
    total = Total(
        [
            result(published_at=at, days=days),
            result(published_at=at, days=days[:1], price=500),
            result(published_at=at, price=7_000, is_tracked=False),
            result(published_at=at, price=9_000, status=TargetStatus.REFUNDED),
            result(published_at=at, price=800, split_back=300),
            result(price=300, is_tracked=True),
        ]
    )
    assert total.price == 1_000 + 500 + 7_000 + 500 + 300
    assert total.clicks == 5
    assert total.left_out == (2, 10)
    assert total.price_per_click == (1_000 + 500 + 500) // 5
    assert [each.returned for each in total.results] == [0, 0, 0, 9_000, 300, 0]
    assert total.clicks_by_day == [
        (TODAY, 4),
        (TODAY + timedelta(days=1), 0),
        (TODAY + timedelta(days=2), 1),
    ]
    empty = Total([result()])
    assert (empty.clicks, empty.price_per_click, empty.clicks_by_day) == (0, None, [])
