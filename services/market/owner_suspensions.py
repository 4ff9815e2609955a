"""Suspend and restore all channels of an owner."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from services.market import channels
from services.platform import transitions
from services.platform.transitions import ActorRole


async def suspend_all(session: AsyncSession, *, owner_id: int, reason: str) -> int:
    """Suspend the channels of an owner who was blocked or is gone; return how many.

    `reason` is one of `channels.REASONS_WITH_ACCESS`: live posts (published, and their promised
    hours are not over) stay and are checked. Locks the channels in the order of their ids.
    """
    suspendable = transitions.allowed_from(
        transitions.CHANNEL, ChannelStatus.SUSPENDED, ActorRole.SYSTEM
    )
    found = await _lock_all(session, owner_id, Channel.status.in_(suspendable))
    for channel in found:
        await channels.suspend(session, channel, reason)
    return len(found)


async def restore_all(session: AsyncSession, *, owner_id: int, reason: str) -> None:
    """Restore the channels of an owner that were suspended for this reason.

    Locks the channels in the order of their ids.
    """
    suspended = (Channel.status == ChannelStatus.SUSPENDED) & (Channel.status_reason == reason)
    for channel in await _lock_all(session, owner_id, suspended):
        await channels.restore(session, channel)


async def _lock_all(
    session: AsyncSession, owner_id: int, condition: ColumnElement[bool]
) -> Sequence[Channel]:
    """Lock an owner's channels in the order of their ids, but do not block new post jobs.

    Other transactions can still insert post jobs of these channels. This is needed because an
    approval inserts a post job while it holds the lock of a wallet.
    """
    rows = await session.scalars(
        select(Channel)
        .where(Channel.owner_id == owner_id, condition)
        .order_by(Channel.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()
