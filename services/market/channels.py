"""Channels: connecting them, their terms, and what the bot may do there."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from db.models.posting import PostJob
from db.models.users import User
from db.money import MAX_AMOUNT
from services.market import creatives
from services.platform import audit, errors, outbox, transitions, users
from services.platform.actors import SYSTEM, Actor
from services.platform.transitions import ActorRole

TOPIC_LIMIT = 64
MAX_PROMISED_HOURS = 24 * 30
OWNER_BLOCKED = "owner_blocked"
STILL_SEEN = (OWNER_BLOCKED,)
"""Why a channel is suspended in which the bot has kept its rights: what is live runs its course."""
RIGHTS_GRACE = timedelta(hours=24)
"""How long an owner has to give the bot its rights back before the admins are asked."""


async def connect(
    session: AsyncSession,
    *,
    actor: Actor,
    chat_id: int,
    title: str,
    username: str | None,
    subscribers: int,
) -> Channel:
    """Connect a channel, or refresh what is known of one's own.

    The caller has seen with Telegram that the bot may post there and that the person is its
    creator. A channel that was removed starts anew, under a new owner too. Locks the channel.
    Raises ChannelTaken, PersonBlocked.
    """
    owner_id = actor.user_id
    if owner_id is None:
        raise errors.AccessDenied("channel_connect")
    if await users.first_blocked(session, owner_id):
        raise errors.PersonBlocked(owner_id)
    await session.execute(
        insert(Channel)
        .values(
            chat_id=chat_id,
            owner_id=owner_id,
            title=title,
            username=username,
            subscribers=subscribers,
            status=ChannelStatus.PENDING,
        )
        .on_conflict_do_nothing(index_elements=["chat_id"])
    )
    channel = queries.required(await _lock(session, Channel.chat_id == chat_id))
    if channel.status is ChannelStatus.REMOVED:
        channel.status = ChannelStatus.PENDING
        channel.owner_id = owner_id
        channel.price = channel.promised_hours = channel.topic = None
        channel.last_message_id = 0
    elif channel.owner_id != owner_id:
        raise errors.ChannelTaken(chat_id)
    elif channel.status is ChannelStatus.SUSPENDED:
        _reopen(channel)
    channel.title, channel.username, channel.subscribers = title, username, subscribers
    await session.flush()
    await audit.record(
        session, actor=actor, action="channel_connected", role="owner", channel_id=channel.id
    )
    return channel


async def set_terms(
    session: AsyncSession,
    *,
    actor: Actor,
    channel_id: int,
    price: int,
    promised_hours: int,
    topic: str,
) -> Channel:
    """Set price (minor units), promised hours and topic; the first time makes it bookable.

    Placements that were submitted before keep their own terms. Locks the channel.
    Raises NotChannelOwner, InvalidAmount, InvalidTerms, InvalidText.
    """
    channel = await _own(session, actor, channel_id)
    if not 1 <= price <= MAX_AMOUNT:
        raise errors.InvalidAmount(price)
    if not 0 <= promised_hours <= MAX_PROMISED_HOURS:
        raise errors.InvalidTerms("promised_hours")
    topic = topic.strip()
    if not topic or creatives.utf16_length(topic) > TOPIC_LIMIT:
        raise errors.InvalidText("topic", TOPIC_LIMIT, creatives.utf16_length(topic))
    if channel.status is ChannelStatus.REMOVED:
        raise errors.ChannelNotUsable(channel_id, channel.status)
    channel.price, channel.promised_hours, channel.topic = price, promised_hours, topic
    if channel.status is ChannelStatus.PENDING:
        channel.status = ChannelStatus.ACTIVE
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="channel_terms_set",
        role="owner",
        channel_id=channel_id,
        price=price,
        promised_hours=promised_hours,
    )
    return channel


async def pause(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Take no new placements; what was approved still goes out."""
    return await _move(session, actor, channel_id, ChannelStatus.PAUSED, "channel_paused")


async def resume(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Take placements again."""
    return await _move(session, actor, channel_id, ChannelStatus.ACTIVE, "channel_resumed")


async def remove(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Take the channel off the market; its waiting posts are refunded when their time is over."""
    return await _move(session, actor, channel_id, ChannelStatus.REMOVED, "channel_removed")


async def rights_lost(session: AsyncSession, *, chat_id: int, reason: str) -> None:
    """Suspend a channel in which the bot can no longer post; its owner and the admins are told.

    What is out there cannot be looked at: after RIGHTS_GRACE the admins are asked about it.
    `reason` is a word of the product. Locks the channel. Seen again, it changes nothing.
    """
    channel = await _lock(session, Channel.chat_id == chat_id)
    if channel is None or channel.status not in transitions.allowed_from(
        transitions.CHANNEL, ChannelStatus.SUSPENDED, ActorRole.SYSTEM
    ):
        return
    await _suspend(session, channel, reason)
    # Whoever holds a post's lock may be about to take this channel's: not waited for.
    unseen = (
        select(PostJob.id)
        .where(PostJob.channel_id == channel.id, ~PostJob.settled)
        .with_for_update(skip_locked=True)
        .cte("unseen")
    )
    await session.execute(
        update(PostJob)
        .where(PostJob.id == unseen.c.id)
        .values(escalate_at=func.clock() + RIGHTS_GRACE)
        .execution_options(synchronize_session=False)
    )
    payload = {"channel_id": channel.id, "reason": reason}
    for user_id in (channel.owner_id, None):
        await outbox.add(session, user_id=user_id, kind="channel_suspended", payload=payload)


async def rights_restored(session: AsyncSession, *, chat_id: int) -> None:
    """Open a suspended channel again once the bot may post there. Locks the channel.

    A blocked owner's stays closed, for that reason alone from now on.
    """
    channel = await _lock(session, Channel.chat_id == chat_id)
    if channel is None or channel.status is not ChannelStatus.SUSPENDED:
        return
    if await users.first_blocked(session, channel.owner_id):
        channel.status_reason = OWNER_BLOCKED
        await session.flush()
        return
    await _restore(session, channel)


async def suspend_of(session: AsyncSession, *, owner_id: int) -> None:
    """Suspend the channels of an owner who was just blocked: what is live there runs its course.

    Locks them, in the order of their ids.
    """
    open_ones = transitions.allowed_from(
        transitions.CHANNEL, ChannelStatus.SUSPENDED, ActorRole.SYSTEM
    )
    for channel in await _lock_of(session, owner_id, Channel.status.in_(open_ones)):
        await _suspend(session, channel, OWNER_BLOCKED)


async def reopen_of(session: AsyncSession, *, owner_id: int) -> None:
    """Open the channels again that were suspended because their owner was blocked. Locks them."""
    closed = (Channel.status == ChannelStatus.SUSPENDED) & (Channel.status_reason == OWNER_BLOCKED)
    for channel in await _lock_of(session, owner_id, closed):
        await _restore(session, channel)


async def note_message(session: AsyncSession, *, chat_id: int, message_id: int) -> None:
    """Keep the highest message id seen in a channel; a post of ours above it is an unknown one.

    Only of a post that was the newest when the bot heard of it, or was looked for from such a one:
    below an older one there may be any number of deleted ones of which nobody has heard.
    """
    await session.execute(
        update(Channel)
        .where(Channel.chat_id == chat_id, Channel.last_message_id < message_id)
        .values(last_message_id=message_id)
    )


async def forget_messages(session: AsyncSession, *, chat_id: int) -> None:
    """Know no message id of a channel any more: what is posted without the bot is never heard of.

    Locks the channel.
    """
    await session.execute(
        update(Channel).where(Channel.chat_id == chat_id).values(last_message_id=0)
    )


async def catalogue(session: AsyncSession, *, limit: int, offset: int) -> Sequence[Channel]:
    """Return a page of the channels that can be bought now."""
    rows = await session.scalars(
        select(Channel)
        .join(User, User.id == Channel.owner_id)
        .where(Channel.status == ChannelStatus.ACTIVE, ~User.blocked)
        .order_by(Channel.id)
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def of_owner(session: AsyncSession, user_id: int) -> Sequence[Channel]:
    """Return a user's connected channels."""
    rows = await session.scalars(
        select(Channel)
        .where(Channel.owner_id == user_id, Channel.status != ChannelStatus.REMOVED)
        .order_by(Channel.id)
    )
    return rows.all()


async def get(session: AsyncSession, channel_id: int) -> Channel:
    """Return a channel. Raises NotFound."""
    channel = await session.get(Channel, channel_id)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    return channel


async def own(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Return a channel to its owner. Raises NotFound, NotChannelOwner."""
    channel = await get(session, channel_id)
    if channel.owner_id != actor.user_id:
        raise errors.NotChannelOwner(channel_id)
    return channel


async def by_chat(session: AsyncSession, chat_id: int) -> Channel | None:
    """Return the channel of a Telegram chat, or None."""
    channel: Channel | None = await session.scalar(
        select(Channel).where(Channel.chat_id == chat_id)
    )
    return channel


async def _lock(session: AsyncSession, which: ColumnElement[bool]) -> Channel | None:
    channel: Channel | None = await session.scalar(
        select(Channel).where(which).with_for_update().execution_options(populate_existing=True)
    )
    return channel


async def _lock_of(
    session: AsyncSession, owner_id: int, which: ColumnElement[bool]
) -> Sequence[Channel]:
    """Lock an owner's channels, but not against new posts in them: an approval holds a wallet."""
    rows = await session.scalars(
        select(Channel)
        .where(Channel.owner_id == owner_id, which)
        .order_by(Channel.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _suspend(session: AsyncSession, channel: Channel, reason: str) -> None:
    channel.was_paused = channel.status is ChannelStatus.PAUSED
    channel.status, channel.status_reason = ChannelStatus.SUSPENDED, reason
    await session.flush()
    await audit.record(
        session, actor=SYSTEM, action="channel_suspended", role="system", channel_id=channel.id
    )


async def _restore(session: AsyncSession, channel: Channel) -> None:
    _reopen(channel)
    await session.flush()
    await audit.record(
        session, actor=SYSTEM, action="channel_restored", role="system", channel_id=channel.id
    )


def _reopen(channel: Channel) -> None:
    """Let a suspended channel be what it was: who had paused it has not asked for placements."""
    channel.status = ChannelStatus.PAUSED if channel.was_paused else ChannelStatus.ACTIVE
    channel.status_reason = None


async def _own(session: AsyncSession, actor: Actor, channel_id: int) -> Channel:
    """Lock a channel of the actor's own. Raises NotFound, NotChannelOwner."""
    channel = await _lock(session, Channel.id == channel_id)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    if channel.owner_id != actor.user_id:
        raise errors.NotChannelOwner(channel_id)
    return channel


async def _move(
    session: AsyncSession, actor: Actor, channel_id: int, wanted: ChannelStatus, action: str
) -> Channel:
    channel = await _own(session, actor, channel_id)
    if channel.status is wanted:
        return channel
    transitions.require(
        transitions.CHANNEL,
        "channel",
        channel_id,
        status=channel.status,
        wanted=wanted,
        role=ActorRole.OWNER,
    )
    if channel.status is ChannelStatus.PENDING and wanted is ChannelStatus.ACTIVE:
        raise errors.InvalidMove("channel", channel_id, channel.status, wanted)  # terms open it
    channel.status = wanted
    await session.flush()
    await audit.record(session, actor=actor, action=action, role="owner", channel_id=channel_id)
    return channel
