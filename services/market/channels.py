"""Connect channels, set their terms, suspend and restore them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, ColumnElement, bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import Ending
from services.market import (
    auto_delete,
    channel_notices,
    channel_takeovers,
    escalations,
    formats,
    managers,
    topics,
)
from services.market import terms as market_terms
from services.market.terms import Terms
from services.platform import audit, errors, transitions, users
from services.platform.actors import SYSTEM, Actor
from services.platform.removal_errors import RemovedEarly
from services.platform.transitions import ActorRole

_OF_OWNER = (
    select(Channel)
    .where(
        Channel.owner_id == bindparam("user_id", type_=BigInteger),
        Channel.status != ChannelStatus.REMOVED,
    )
    .order_by(Channel.id)
)
OWNER_BLOCKED = "owner_blocked"
OWNER_GONE = "owner_gone"
NOT_CREATOR = "not_creator"
GONE = "channel_gone"
REMOVED_EARLY = "removed_early"
REASONS_WITH_ACCESS = (OWNER_BLOCKED, OWNER_GONE, NOT_CREATOR, REMOVED_EARLY)
"""The bot still has access to a channel that is suspended for one of these reasons."""
RIGHTS_GRACE = timedelta(hours=24)
"""The admins decide about the posts of a channel at the latest after this time without rights."""


async def connect(
    session: AsyncSession,
    *,
    actor: Actor,
    chat_id: int,
    title: str,
    username: str | None,
    subscribers: int,
    former_owner_id: int | None = None,
    auto_delete_seconds: int | None = None,
) -> Channel:
    """Connect a channel, or update a connected channel.

    The caller has checked with Telegram that the bot may post there and that the actor is the
    creator. `former_owner_id` is None, or a user who is no longer the creator. The actor takes over
    a removed channel or a channel of this user, and must set new terms. A suspension of the actor's
    own channel ends, but not one after early removals. The scheduler asks Telegram about the
    channel at once. Checks that were due while the bot lacked its rights are recorded as "unknown".
    Locks the channel. Raises AccessDenied, PersonBlocked; ChannelTaken if another person owns the
    channel; RemovedEarly if it is the actor's own, was removed here, and the staff have not looked
    at its early removals.
    """
    owner_id = actor.require_user(action="channel_connect")
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
    if _has_lost_rights(channel):
        await escalations.record_missed_checks(session, channel=channel)
    if channel.status is ChannelStatus.REMOVED:
        if channel.owner_id == owner_id:
            _require_no_removals(channel)
        channel_takeovers.reopen(channel, owner_id)
        channel.last_message_id = 0
    elif channel.owner_id != owner_id:
        if channel.owner_id != former_owner_id:
            raise errors.ChannelTaken(chat_id)
        await channel_takeovers.take_over(session, actor, channel, owner_id)
    elif channel.status is ChannelStatus.SUSPENDED:
        _restore_status(channel)
    if channel.status is not ChannelStatus.SUSPENDED:
        channel.status_reason = None
    channel.title, channel.username, channel.subscribers = title, username, subscribers
    channel.auto_delete_seconds = auto_delete_seconds
    channel.facts_due_at = await queries.now(session)
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
    hours_on_top: int = 0,
    ending: Ending = Ending.LEFT,
) -> Channel:
    """Set a channel's topic, and the only format that it sells, with its price (minor units).

    The topic is one of `topics.TOPICS`. The actor is the owner or a manager.

    A pending channel becomes active, or suspended if the bot has lost its rights there. Submitted
    placements keep their terms. Locks the channel. Raises NotFound, NotChannelOwner, InvalidAmount,
    InvalidTerms, PromiseTooLong, ChannelNotUsable; RemovedEarly for a pending channel.
    """
    channel, role = await lock_managed(session, actor, channel_id)
    terms = Terms(price, promised_hours, hours_on_top, ending)
    market_terms.require_valid(terms)
    auto_delete.require(channel, promised_hours)
    topics.require_topic(topic)
    if channel.status is ChannelStatus.REMOVED:
        raise errors.ChannelNotUsable(channel_id, channel.status)
    await formats.sell_only(session, channel_id, terms)
    channel.price, channel.promised_hours, channel.topic = price, promised_hours, topic
    if channel.status is ChannelStatus.PENDING:
        _require_no_removals(channel)
        channel.status = ChannelStatus.ACTIVE
    await session.flush()
    if channel.status is ChannelStatus.ACTIVE and channel.status_reason is not None:
        await suspend(session, channel, channel.status_reason)
    await audit.record(
        session,
        actor=actor,
        action="channel_terms_set",
        role=role,
        channel_id=channel_id,
        price=price,
        promised_hours=promised_hours,
    )
    return channel


async def pause(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Pause a channel: new placements are refused, and approved posts are still published.

    The owner or a manager may do this. Locks the channel. Raises NotFound, NotChannelOwner,
    InvalidMove.
    """
    return await _move(session, actor, channel_id, ChannelStatus.PAUSED, "channel_paused")


async def resume(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Resume a paused channel for new placements, as its owner or manager.

    Locks the channel. Raises NotFound, NotChannelOwner, InvalidMove.
    """
    return await _move(session, actor, channel_id, ChannelStatus.ACTIVE, "channel_resumed")


async def remove(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Remove a channel from the market. Its queued posts are not published.

    Only the owner may do this. Locks the channel. Raises NotFound, NotChannelOwner, InvalidMove.
    """
    return await _move(session, actor, channel_id, ChannelStatus.REMOVED, "channel_removed")


async def record_rights_lost(session: AsyncSession, *, chat_id: int, reason: str) -> None:
    """Suspend a channel without the bot's rights, and notify the owner, admins and advertisers.

    The admins decide about each post with a held escrow after `escalations.grace`. `reason` is a
    fixed word of this program. If a loss is already recorded, nothing changes. A pending or removed
    channel keeps its status, and nobody is notified if it has no post with a held escrow. Locks the
    channel, then its post jobs, and skips post jobs that another transaction has locked.
    """
    channel = await _lock(session, Channel.chat_id == chat_id)
    if channel is None or _has_lost_rights(channel):
        return
    if channel.status in transitions.allowed_from(
        transitions.CHANNEL, ChannelStatus.SUSPENDED, ActorRole.SYSTEM
    ):
        await suspend(session, channel, reason)
    else:
        channel.status_reason, channel.suspended_at = reason, await queries.now(session)
        await session.flush()
    has_posts = await escalations.bring_nearer(session, channel_id=channel.id, within=RIGHTS_GRACE)
    if has_posts or channel.status is ChannelStatus.SUSPENDED:
        await channel_notices.notify_suspended(session, channel, reason)


def is_accessible() -> ColumnElement[bool]:
    """Build the SQL condition that the bot has its rights in a channel, whatever its status.

    The caller's query must select from `channels`.
    """
    return or_(Channel.status_reason.is_(None), Channel.status_reason.in_(REASONS_WITH_ACCESS))


def _has_lost_rights(channel: Channel) -> bool:
    return channel.status_reason not in (None, *REASONS_WITH_ACCESS)


async def record_rights_restored(
    session: AsyncSession, *, chat_id: int, owner_is_creator: bool = True
) -> None:
    """Restore a channel after the bot got its rights back. Locks the channel.

    The channel stays suspended if its owner is blocked, is gone, or is no longer the creator.
    """
    channel = await _lock(session, Channel.chat_id == chat_id)
    if channel is None or not _has_lost_rights(channel):
        return
    await escalations.record_missed_checks(session, channel=channel)
    if channel.status is not ChannelStatus.SUSPENDED:
        channel.status_reason = None
    elif not owner_is_creator:
        channel.status_reason = NOT_CREATOR
        await channel_notices.notify_suspended(session, channel, NOT_CREATOR)
    elif await users.first_blocked(session, channel.owner_id):
        channel.status_reason = OWNER_BLOCKED
    else:
        await restore(session, channel)
    await session.flush()


async def of_owner(session: AsyncSession, user_id: int) -> Sequence[Channel]:
    """Return a user's channels, except removed ones."""
    return (await session.scalars(_OF_OWNER, {"user_id": user_id})).all()


async def get(session: AsyncSession, channel_id: int) -> Channel:
    """Return a channel. Raises NotFound."""
    channel = await session.get(Channel, channel_id)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    return channel


async def get_own(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Return a channel of the actor. Raises NotFound, NotChannelOwner."""
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


async def _lock(session: AsyncSession, condition: ColumnElement[bool]) -> Channel | None:
    channel: Channel | None = await session.scalar(
        select(Channel).where(condition).with_for_update().execution_options(populate_existing=True)
    )
    return channel


async def suspend(session: AsyncSession, channel: Channel, reason: str) -> None:
    """Suspend a channel. The caller has locked the channel and checked its status."""
    channel.was_paused = channel.status is ChannelStatus.PAUSED
    channel.status, channel.status_reason = ChannelStatus.SUSPENDED, reason
    channel.suspended_at = await queries.now(session)
    await session.flush()
    await audit.record(
        session, actor=SYSTEM, action="channel_suspended", role="system", channel_id=channel.id
    )


async def restore(session: AsyncSession, channel: Channel) -> None:
    """Give a suspended channel its earlier status. The caller has locked the channel.

    After early removals, it stays suspended until the staff have looked at them.
    """
    _restore_status(channel)
    await session.flush()
    if channel.status is ChannelStatus.SUSPENDED:
        return
    await audit.record(
        session, actor=SYSTEM, action="channel_restored", role="system", channel_id=channel.id
    )


def _require_no_removals(channel: Channel) -> None:
    if channel.removed_early_at is not None:
        raise RemovedEarly(channel.id)


def _restore_status(channel: Channel) -> None:
    if channel.removed_early_at is not None:
        channel.status_reason = REMOVED_EARLY
        return
    channel.status = ChannelStatus.PAUSED if channel.was_paused else ChannelStatus.ACTIVE
    channel.status_reason = None


async def lock_managed(session: AsyncSession, actor: Actor, channel_id: int) -> tuple[Channel, str]:
    """Lock a channel of which the actor is the owner or a manager. Return it and the role.

    Raises NotFound, NotChannelOwner.
    """
    channel = await _lock(session, Channel.id == channel_id)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    return channel, await managers.role_in(session, channel, actor)


async def _move(
    session: AsyncSession, actor: Actor, channel_id: int, new_status: ChannelStatus, action: str
) -> Channel:
    channel, role = await lock_managed(session, actor, channel_id)
    if new_status is ChannelStatus.REMOVED and role != "owner":
        raise errors.NotChannelOwner(channel_id)
    if channel.status is new_status:
        return channel
    transitions.require(
        transitions.CHANNEL,
        "channel",
        channel_id,
        status=channel.status,
        wanted=new_status,
        role=ActorRole.OWNER,
    )
    # A pending channel becomes active only when its first terms are set.
    if channel.status is ChannelStatus.PENDING and new_status is ChannelStatus.ACTIVE:
        raise errors.InvalidMove("channel", channel_id, channel.status, new_status)
    channel.status = new_status
    await session.flush()
    await audit.record(session, actor=actor, action=action, role=role, channel_id=channel_id)
    return channel
