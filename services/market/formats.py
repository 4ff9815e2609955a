"""Read and write the formats in which a channel sells posts, each with its price."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import ChannelFormat
from services.market import auto_delete
from services.market.terms import Terms
from services.platform import errors

ENDLESS_HOURS = 72
"""How long a post that is never taken down is checked, before its owner is paid."""


async def of_channel(session: AsyncSession, channel_id: int) -> Sequence[ChannelFormat]:
    """Return the formats that a channel sells now. The first one has the fewest hours."""
    return (await of_channels(session, [channel_id]))[channel_id]


async def of_channels(
    session: AsyncSession, channel_ids: Collection[int]
) -> Mapping[int, Sequence[ChannelFormat]]:
    """Return the formats that each of some channels sells now, as `of_channel` does."""
    found: dict[int, list[ChannelFormat]] = {channel_id: [] for channel_id in channel_ids}
    rows = await session.scalars(
        select(ChannelFormat)
        .where(ChannelFormat.channel_id.in_(found), ChannelFormat.retired_at.is_(None))
        # The database function `keep_first_format` has the same order.
        .order_by(ChannelFormat.promised_hours, ChannelFormat.hours_on_top, ChannelFormat.id)
        .execution_options(populate_existing=True)
    )
    for row in rows:
        found[row.channel_id].append(row)
    return found


def terms_of(row: ChannelFormat) -> Terms:
    """Return the terms on which a channel sells posts of a format."""
    return Terms(row.price, row.promised_hours, row.hours_on_top, row.ending)


async def require(session: AsyncSession, channel: Channel, agreed: Terms | None) -> Terms:
    """Return the terms on which an active channel sells a post: `agreed`, or its first format's.

    Raises ChannelNotUsable if the channel is not active; TermsChanged, with the present terms of
    the same format or else of the first one, if no format has the terms `agreed`; PromiseTooLong if
    Telegram would remove the post too early.
    """
    if channel.status is not ChannelStatus.ACTIVE:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    offered = [terms_of(row) for row in await of_channel(session, channel.id)]
    if not offered:  # it was removed or taken over in this moment
        raise errors.ChannelNotUsable(channel.id, ChannelStatus.PENDING)
    chosen = agreed or offered[0]
    if chosen not in offered:
        same = [terms for terms in offered if terms.kind == chosen.kind]
        now = (same or offered)[0]
        raise errors.TermsChanged(channel.id, now.price, now.promised_hours)
    auto_delete.require(channel, chosen.promised_hours)
    return chosen


async def sell_only(session: AsyncSession, channel_id: int, terms: Terms) -> None:
    """Let a channel sell one format alone. The caller has locked the channel."""
    offered = await of_channel(session, channel_id)
    await retire(session, [row for row in offered if terms_of(row) != terms])
    if terms not in [terms_of(row) for row in offered]:
        await add(session, channel_id, terms)


async def add(session: AsyncSession, channel_id: int, terms: Terms) -> None:
    """Let a channel sell one more format. The caller has locked the channel."""
    await session.execute(
        insert(ChannelFormat).values(channel_id=channel_id, **terms._asdict()).inline()
    )


async def retire(session: AsyncSession, rows: Collection[ChannelFormat]) -> None:
    """Stop selling some formats. The caller has locked their channel."""
    await session.execute(
        update(ChannelFormat)
        .where(ChannelFormat.id.in_([row.id for row in rows]))
        .values(retired_at=func.clock())
        .execution_options(synchronize_session=False)
    )
