"""Let the owner of a channel change what it sells: the formats, the topic and the language."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import ChannelFormat
from services.market import auto_delete, channels, formats, managers, topics
from services.market import terms as market_terms
from services.market.terms import Terms
from services.platform import audit, errors
from services.platform.actors import Actor
from services.platform.format_errors import LastFormat, TooManyFormats

MOST_FORMATS = 8
"""How many formats a channel can sell at the same time."""


async def put(session: AsyncSession, *, actor: Actor, channel_id: int, terms: Terms) -> Channel:
    """Let a channel sell a format at a price, or change the price of a format that it sells.

    Submitted placements keep their terms. Locks the channel. Raises NotFound, NotChannelOwner,
    InvalidAmount, InvalidTerms, TooManyFormats; ChannelNotUsable if the channel sells nothing yet.
    """
    channel, role = await _lock_selling(session, actor, channel_id)
    market_terms.require_valid(terms)
    offered = await formats.of_channel(session, channel_id)
    if terms in [formats.terms_of(row) for row in offered]:
        return channel
    replaced = [row for row in offered if formats.terms_of(row).kind == terms.kind]
    if not replaced and len(offered) >= MOST_FORMATS:
        raise TooManyFormats(MOST_FORMATS)
    auto_delete.require(channel, terms.promised_hours)
    await formats.retire(session, replaced)
    await formats.add(session, channel_id, terms)
    await _write_first(session, channel)
    await audit.record(
        session,
        actor=actor,
        action="channel_format_set",
        role=role,
        channel_id=channel_id,
        **terms._asdict(),
    )
    return channel


async def retire(
    session: AsyncSession, *, actor: Actor, channel_id: int, format_id: int
) -> Channel:
    """Stop selling a format of a channel. A format that is not sold any more stays as it is.

    Submitted placements keep their terms. Locks the channel. Raises NotFound, NotChannelOwner,
    LastFormat; ChannelNotUsable if the channel sells nothing.
    """
    channel, role = await _lock_selling(session, actor, channel_id)
    offered = await formats.of_channel(session, channel_id)
    ended = [row for row in offered if row.id == format_id]
    if not ended:
        return channel
    if len(offered) == 1:
        raise LastFormat(channel_id)
    await formats.retire(session, ended)
    await _write_first(session, channel)
    await audit.record(
        session,
        actor=actor,
        action="channel_format_retired",
        role=role,
        channel_id=channel_id,
        format_id=format_id,
    )
    return channel


async def set_topic(session: AsyncSession, *, actor: Actor, channel_id: int, topic: str) -> None:
    """Set the topic of a channel to one of `topics.TOPICS`. Locks the channel.

    Raises NotFound, NotChannelOwner, InvalidTerms.
    """
    channel, role = await channels.lock_managed(session, actor, channel_id)
    channel.topic = topics.require_topic(topic)
    await session.flush()
    await audit.record(
        session, actor=actor, action="channel_topic_set", role=role, channel_id=channel_id
    )


async def set_language(
    session: AsyncSession, *, actor: Actor, channel_id: int, language: str
) -> None:
    """Set the language of a channel's posts to one of `topics.LANGUAGES`. Locks the channel.

    Raises NotFound, NotChannelOwner, InvalidTerms.
    """
    channel, role = await channels.lock_managed(session, actor, channel_id)
    channel.language = topics.require_language(language)
    await session.flush()
    await audit.record(
        session, actor=actor, action="channel_language_set", role=role, channel_id=channel_id
    )


async def of_owner(
    session: AsyncSession, *, actor: Actor, channel_id: int
) -> tuple[Channel, Sequence[ChannelFormat]]:
    """Return a channel of which the actor is the owner or a manager, and the formats that it sells.

    Raises NotFound, NotChannelOwner.
    """
    channel = await managers.get_channel(session, actor=actor, channel_id=channel_id)
    return channel, await formats.of_channel(session, channel_id)


async def get_own(session: AsyncSession, *, actor: Actor, format_id: int) -> ChannelFormat:
    """Return a format of a channel that the actor owns or manages.

    It may be one that is not sold any more. Raises NotFound, NotChannelOwner.
    """
    row = await session.get(ChannelFormat, format_id)
    if row is None:
        raise errors.NotFound("format", format_id)
    await managers.get_channel(session, actor=actor, channel_id=row.channel_id)
    return row


async def _lock_selling(
    session: AsyncSession, actor: Actor, channel_id: int
) -> tuple[Channel, str]:
    channel, role = await channels.lock_managed(session, actor, channel_id)
    if channel.status is ChannelStatus.REMOVED or channel.price is None:
        raise errors.ChannelNotUsable(channel_id, channel.status)
    return channel, role


async def _write_first(session: AsyncSession, channel: Channel) -> None:
    first = (await formats.of_channel(session, channel.id))[0]
    channel.price, channel.promised_hours = first.price, first.promised_hours
    await session.flush()
