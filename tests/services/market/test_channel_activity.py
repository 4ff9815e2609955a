"""Test that the posts of a channel and the reactions to them are counted, and not for ever."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.audience import ChannelPost, ChannelPostCount
from db.models.campaigns import Channel
from services.market import channel_activity, channels
from services.market.channel_activity import ALBUM_LENGTH, KEPT_DAYS, KEPT_POSTS, PERIOD, SETTLED
from services.platform.actors import Actor
from tests.factories import people

DAY = timedelta(days=1)


@pytest.fixture
async def channel(session: AsyncSession) -> Channel:
    """Return a channel on offer."""
    return await people.channel(session, await people.person(session))


@pytest.fixture
async def now(session: AsyncSession) -> datetime:
    """Return the present time."""
    return await queries.now(session)


async def post(
    session: AsyncSession,
    channel: Channel,
    message_id: int,
    at: datetime,
    *,
    album: str | None = None,
) -> None:
    """Report a new post of the channel."""
    await channel_activity.note_post(
        session, chat_id=channel.chat_id, message_id=message_id, posted_at=at, album=album
    )


async def kept(session: AsyncSession, channel: Channel) -> list[int]:
    """Return the message ids of the posts that are kept."""
    query = select(ChannelPost.message_id).where(ChannelPost.channel_id == channel.id)
    return list(await session.scalars(query.order_by(ChannelPost.message_id)))


async def days(session: AsyncSession, channel: Channel) -> list[int]:
    """Return the number of posts of each day that is kept."""
    query = select(ChannelPostCount.posts).where(ChannelPostCount.channel_id == channel.id)
    return list(await session.scalars(query.order_by(ChannelPostCount.day)))


async def test_an_average_day_is_one_of_the_whole_days(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    assert await channel_activity.read(session, channel.id) is None
    await post(session, channel, 100, now)
    first = await channel_activity.read(session, channel.id)
    assert first is not None
    assert (first.since, first.posts_a_day) == (now.date(), None)
    for number, age in enumerate((4, 4, 4, 2, 1)):
        await post(session, channel, number, now - age * DAY)
    read = await channel_activity.read(session, channel.id)
    assert read is not None
    assert read.since == (now - 4 * DAY).date()
    assert read.posts_a_day == 5 / 4, "today is not over, so its post does not count"


async def test_posts_before_the_period_do_not_count(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    await post(session, channel, 1, now - PERIOD - DAY)
    assert await channel_activity.read(session, channel.id) is None


async def test_an_album_and_a_repeated_report_are_one_post(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    other = await people.channel(session, await people.person(session))
    for message_id in (1, 2, 3):
        await post(session, channel, message_id, now, album="a" * ALBUM_LENGTH + str(message_id))
    await post(session, channel, 1, now)
    await post(session, other, 1, now, album="a" * ALBUM_LENGTH)
    assert (await kept(session, channel), await days(session, channel)) == ([1], [1])
    assert await days(session, other) == [1]


async def test_only_the_newest_posts_and_days_are_kept(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    await post(session, channel, 1, now - KEPT_DAYS - DAY)
    await post(session, channel, 2, now - KEPT_DAYS)
    assert await days(session, channel) == [1, 1]
    for number in range(KEPT_POSTS):
        await post(session, channel, 10 + number, now)
    assert await days(session, channel) == [1, KEPT_POSTS]
    assert await kept(session, channel) == [10 + number for number in range(KEPT_POSTS)]


async def test_a_channel_that_is_not_connected_has_no_counts(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    await channels.remove(session, actor=Actor(channel.owner_id), channel_id=channel.id)
    await post(session, channel, 1, now)
    await channel_activity.note_post(session, chat_id=-5, message_id=1, posted_at=now, album=None)
    assert (await session.scalars(select(ChannelPost))).all() == []
    assert (await session.scalars(select(ChannelPostCount))).all() == []


async def test_the_median_is_one_of_the_posts_that_are_old_enough(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    for message_id in range(1, 5):
        await post(session, channel, message_id, now - SETTLED - DAY)
    await post(session, channel, 5, now)
    await post(session, channel, 0, now - PERIOD - timedelta(hours=1))
    told = {1: 4, 2: 90, 3: 10, 5: 1_000, 0: 1_000, 77: 5}
    await channel_activity.set_reactions(
        session, {(channel.chat_id, message_id): count for message_id, count in told.items()}
    )
    read = await channel_activity.read(session, channel.id)
    assert read is not None
    assert (read.reactions, read.reacted_posts) == (7, 4)
    await channel_activity.set_reactions(session, {(channel.chat_id, 2): 0, (-5, 1): 9})
    again = await channel_activity.read(session, channel.id)
    assert again is not None
    assert again.reactions == 2


async def test_without_an_old_post_there_is_no_median(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    await post(session, channel, 1, now - SETTLED + timedelta(minutes=1))
    read = await channel_activity.read(session, channel.id)
    assert read is not None
    assert (read.reactions, read.reacted_posts) == (None, 0)


async def test_what_was_counted_before_the_bot_left_is_forgotten(
    session: AsyncSession, channel: Channel, now: datetime
) -> None:
    other = await people.channel(session, await people.person(session))
    for place in (channel, other):
        await post(session, place, 1, now)
    await channel_activity.forget(session, chat_id=channel.chat_id)
    assert await channel_activity.read(session, channel.id) is None
    assert await kept(session, channel) == []
    assert await kept(session, other) == [1]


async def test_each_query_uses_an_index(session: AsyncSession, channel: Channel) -> None:
    await session.execute(
        text(
            "INSERT INTO channel_posts SELECT :id, n, clock(), NULL, 0"
            " FROM generate_series(1, 900) n"
        ),
        {"id": channel.id},
    )
    # With one channel in the table, the planner may start from any index.
    await session.execute(
        text(
            "INSERT INTO channels (chat_id, owner_id, title)"
            " SELECT -1009000000000 - n, :owner_id, 'n' FROM generate_series(1, 900) n"
        ),
        {"owner_id": channel.owner_id},
    )
    await session.execute(text("ANALYZE channel_posts, channels"))
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    one = {"channel_id": channel.id}
    arrays = {"chat_ids": [channel.chat_id], "message_ids": [5], "reactions": [1]}
    times = {"period": PERIOD, "settled": SETTLED}
    for query, values, indexes in (
        (channel_activity._READ, one | times, ["pk_channel_posts", "pk_channel_post_counts"]),
        (channel_activity._SET_REACTIONS, arrays, ["pk_channel_posts", "uq_channels_chat_id"]),
        (
            channel_activity._SET_AD_REACTIONS,
            arrays,
            ["ix_post_jobs_channel_id_message_id", "uq_channels_chat_id"],
        ),
        (channel_activity._DROP_POSTS, one, ["pk_channel_posts"]),
        (channel_activity._DROP_DAYS, one | {"kept_days": 90}, ["pk_channel_post_counts"]),
    ):
        explained = text(f"EXPLAIN {query.text}").bindparams(*query._bindparams.values())
        plan = "\n".join(row[0] for row in await session.execute(explained, values))
        assert all(index in plan for index in indexes), plan
        assert "Seq Scan" not in plan, plan
