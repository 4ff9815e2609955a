"""Count the posts of channels and the reactions to them, which buyers read before they pay.

Telegram tells the bot each post of others in a channel, and how many reactions a post has. Only
numbers are stored, and no person who has reacted: Telegram names none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    Interval,
    Text,
    bindparam,
    delete,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelPost, ChannelPostCount
from db.models.campaigns import Channel

KEPT_POSTS = 100
"""Of each channel, this number of the newest posts is kept with their reactions."""
KEPT_DAYS = timedelta(days=90)
"""For this time, the number of posts of each day is kept."""
PERIOD = timedelta(days=30)
"""The card of a channel shows the posts and the reactions of this time."""
SETTLED = timedelta(hours=12)
"""The reactions to a younger post do not count, because most of them are still to come."""
ALBUM_LENGTH = 64
"""Of Telegram's id of an album, at most this number of characters is stored."""
_NOTE = text(
    """
    WITH noted AS (
        INSERT INTO channel_posts (channel_id, message_id, posted_at, album)
        SELECT id, :message_id, :posted_at, :album FROM channels
        WHERE chat_id = :chat_id AND status <> 'removed'
        ON CONFLICT DO NOTHING
        RETURNING channel_id
    )
    INSERT INTO channel_post_counts AS counted (channel_id, day, posts)
    SELECT channel_id, (:posted_at AT TIME ZONE 'UTC')::date, 1 FROM noted
    ON CONFLICT (channel_id, day) DO UPDATE SET posts = counted.posts + 1
    RETURNING channel_id, posts
    """
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("chat_id", "message_id")),
    bindparam("posted_at", type_=DateTime(timezone=True)),
    bindparam("album", type_=Text),
)
_DROP_POSTS = text(
    f"""
    DELETE FROM channel_posts WHERE channel_id = :channel_id AND message_id <= (
        SELECT message_id FROM channel_posts WHERE channel_id = :channel_id
        ORDER BY message_id DESC OFFSET {KEPT_POSTS} LIMIT 1)
    """  # noqa: S608 - only a number is put in
).bindparams(bindparam("channel_id", type_=BigInteger))
_DROP_DAYS = text(
    """
    DELETE FROM channel_post_counts WHERE channel_id = :channel_id AND day < (
        SELECT max(day) FROM channel_post_counts WHERE channel_id = :channel_id) - :kept_days
    """
).bindparams(bindparam("channel_id", type_=BigInteger), bindparam("kept_days", type_=Integer))
# A post that is not kept has no row, so an update about it writes nothing.
_SET_REACTIONS = text(
    """
    UPDATE channel_posts post SET reactions = told.reactions
    FROM unnest(:chat_ids, :message_ids, :reactions) AS told (chat_id, message_id, reactions)
    JOIN channels channel ON channel.chat_id = told.chat_id
    WHERE post.channel_id = channel.id AND post.message_id = told.message_id
        AND post.reactions <> told.reactions
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("chat_ids", "message_ids", "reactions"))
)
_SET_AD_REACTIONS = text(
    """
    INSERT INTO ad_reactions AS known (campaign_target_id, reactions)
    SELECT job.campaign_target_id, told.reactions
    FROM unnest(:chat_ids, :message_ids, :reactions) AS told (chat_id, message_id, reactions)
    JOIN channels channel ON channel.chat_id = told.chat_id
    JOIN post_jobs job ON job.channel_id = channel.id AND job.message_id = told.message_id
    ON CONFLICT (campaign_target_id) DO UPDATE
    SET reactions = excluded.reactions, told_at = clock()
    WHERE known.reactions <> excluded.reactions
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("chat_ids", "message_ids", "reactions"))
)
_READ = text(
    """
    SELECT counted.since, counted.posts, counted.today, reacted.posts AS reacted_posts,
        reacted.median
    FROM (
        SELECT min(day) AS since,
            coalesce(sum(posts) FILTER (WHERE day < (clock() AT TIME ZONE 'UTC')::date), 0)::bigint
                AS posts,
            (clock() AT TIME ZONE 'UTC')::date AS today
        FROM channel_post_counts
        WHERE channel_id = :channel_id AND day >= ((clock() - :period) AT TIME ZONE 'UTC')::date
    ) AS counted, (
        SELECT count(*) AS posts, percentile_cont(0.5) WITHIN GROUP (ORDER BY reactions) AS median
        FROM channel_posts
        WHERE channel_id = :channel_id
            AND posted_at BETWEEN clock() - :period AND clock() - :settled
    ) AS reacted
    """
).bindparams(
    bindparam("channel_id", type_=BigInteger),
    *(bindparam(name, type_=Interval) for name in ("period", "settled")),
)


@dataclass(frozen=True)
class Activity:
    """The posts of a channel within PERIOD, and the reactions to them, as the bot has counted."""

    since: date
    """The first day (UTC) that was counted."""
    posts_a_day: float | None
    """The average of the whole days (UTC) since then, without the bot's posts. None on day one."""
    reactions: int | None
    """The median number of reactions to a post, or None if no post is older than SETTLED."""
    reacted_posts: int
    """How many posts the median is of: at most KEPT_POSTS."""


async def note_post(
    session: AsyncSession,
    *,
    chat_id: int,
    message_id: int,
    posted_at: datetime,
    album: str | None,
) -> None:
    """Count a new post of a channel. Of an album, only the first message counts.

    `posted_at` is Telegram's time, with a time zone, and `album` is the id that the messages of an
    album share. Nothing happens for a channel that is not connected. What is too old is deleted.
    """
    values = {
        "chat_id": chat_id,
        "message_id": message_id,
        "posted_at": posted_at,
        "album": album[:ALBUM_LENGTH] if album else None,
    }
    counted = (await session.execute(_NOTE, values)).one_or_none()
    if counted is None:
        return
    await session.execute(_DROP_POSTS, {"channel_id": counted.channel_id})
    if counted.posts == 1:
        await session.execute(
            _DROP_DAYS, {"channel_id": counted.channel_id, "kept_days": KEPT_DAYS.days}
        )


async def set_reactions(session: AsyncSession, told: Mapping[tuple[int, int], int]) -> None:
    """Store how many reactions posts and published ads have now, by the ids of chat and message.

    Of the posts, only those that are kept are written, and only numbers that have changed.
    """
    values = {
        "chat_ids": [chat_id for chat_id, _ in told],
        "message_ids": [message_id for _, message_id in told],
        "reactions": list(told.values()),
    }
    for statement in (_SET_REACTIONS, _SET_AD_REACTIONS):
        await session.execute(statement, values)


async def forget(session: AsyncSession, *, chat_id: int) -> None:
    """Delete what was counted in a channel that the bot has left.

    The counts would be too low: the bot gets no updates about what happens meanwhile.
    """
    left = select(Channel.id).where(Channel.chat_id == chat_id).scalar_subquery()
    for table in (ChannelPost, ChannelPostCount):
        await session.execute(delete(table).where(table.channel_id == left))


async def read(session: AsyncSession, channel_id: int) -> Activity | None:
    """Return the activity of a channel, or None if no post was counted within PERIOD."""
    row = (
        await session.execute(
            _READ, {"channel_id": channel_id, "period": PERIOD, "settled": SETTLED}
        )
    ).one()
    if row.since is None:
        return None
    days = (row.today - row.since).days
    return Activity(
        since=row.since,
        posts_a_day=row.posts / days if days else None,
        reactions=None if row.median is None else round(row.median),
        reacted_posts=row.reacted_posts,
    )
