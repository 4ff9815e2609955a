"""Suspend and restore all channels of an owner."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from services.market import channel_notices, channels
from services.platform import transitions
from services.platform.transitions import ActorRole


async def suspend_all_of_blocked(session: AsyncSession, *, owner_id: int) -> None:
    """Suspend the channels of a blocked owner. Locks the channels by id.

    Published posts stay for their promised hours.
    """
    await _suspend_all(session, owner_id, channels.OWNER_BLOCKED)


async def suspend_all_of_gone(session: AsyncSession, *, owner_id: int) -> None:
    """Suspend the channels of an owner whose Telegram account is deactivated.

    Notifies the owner, the admins and the advertisers of each channel. Locks the channels by id.
    """
    for channel in await _suspend_all(session, owner_id, channels.OWNER_GONE):
        await channel_notices.notify_suspended(session, channel, channels.OWNER_GONE)


async def record_not_creator(session: AsyncSession, *, channel_id: int, owner_id: int) -> None:
    """Suspend a channel whose owner is no longer its creator in Telegram.

    Notifies the owner, the admins and the advertisers. Locks the channel.
    """
    for channel in await _suspend_all(
        session, owner_id, channels.NOT_CREATOR, Channel.id == channel_id
    ):
        await channel_notices.notify_suspended(session, channel, channels.NOT_CREATOR)


async def restore_all_of_unblocked(session: AsyncSession, *, owner_id: int) -> None:
    """Restore the channels that were suspended because of their owner's block.

    Locks the channels by id.
    """
    suspended = (Channel.status == ChannelStatus.SUSPENDED) & (
        Channel.status_reason == channels.OWNER_BLOCKED
    )
    for channel in await _lock_all(session, owner_id, suspended):
        await channels.restore(session, channel)


async def _suspend_all(
    session: AsyncSession, owner_id: int, reason: str, *conditions: ColumnElement[bool]
) -> Sequence[Channel]:
    suspendable = transitions.allowed_from(
        transitions.CHANNEL, ChannelStatus.SUSPENDED, ActorRole.SYSTEM
    )
    found = await _lock_all(session, owner_id, Channel.status.in_(suspendable), *conditions)
    for channel in found:
        await channels.suspend(session, channel, reason)
    return found


async def _lock_all(
    session: AsyncSession, owner_id: int, *conditions: ColumnElement[bool]
) -> Sequence[Channel]:
    # With the lock `key_share`, other transactions can insert post jobs. An approval needs this,
    # because it inserts a post job while it holds the lock of a wallet.
    rows = await session.scalars(
        select(Channel)
        .where(Channel.owner_id == owner_id, *conditions)
        .order_by(Channel.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()
