"""Let the owner of a channel name managers, and decide what managers may do.

A manager sets the terms of a channel, pauses and resumes it, and answers to ads. Everything about
money, the acceptance rule, the managers and the removal of the channel is the owner's.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.campaigns import CampaignTarget, Channel, ChannelStatus
from db.models.managers import ChannelManager
from db.models.users import User
from services.platform import audit, errors, outbox
from services.platform.actors import SYSTEM, Actor
from services.platform.channel_errors import ManagerNotStarted

NAMED, ENDED = "manager_named", "manager_ended"
"""The kinds of the messages to a manager."""
_NAME = text(
    "SELECT name_manager(:channel_id, :actor_id, :telegram_id, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("channel_id", "actor_id", "telegram_id")),
    bindparam("correlation_id", type_=Text),
)


async def name(session: AsyncSession, *, actor: Actor, channel_id: int, telegram_id: int) -> None:
    """Make a person the manager of a channel of the actor, and notify the person.

    The caller has checked with Telegram that the person is an administrator of the channel. Nothing
    changes for a present manager. Locks the channel. Raises AccessDenied, NotChannelOwner;
    ManagerNotStarted if the person has not started the bot.
    """
    user_id = actor.require_user(action="manager_name")
    await session.flush()
    code = await session.scalar(
        _NAME,
        {
            "channel_id": channel_id,
            "actor_id": user_id,
            "telegram_id": telegram_id,
            "correlation_id": correlation_id.get(),
        },
    )
    if code == "not_found":
        raise errors.NotChannelOwner(channel_id)
    if code == "not_started":
        raise ManagerNotStarted(channel_id)
    if code is None:
        manager = select(User.id).where(User.telegram_id == telegram_id)
        await _notify(session, await session.scalar(manager), NAMED, channel_id)


async def end(session: AsyncSession, *, actor: Actor, channel_id: int, telegram_id: int) -> None:
    """End the work of a manager of a channel of the actor, and notify the person.

    Nothing changes if the person is no manager. Raises NotChannelOwner.
    """
    owner_id = await session.scalar(select(Channel.owner_id).where(Channel.id == channel_id))
    if owner_id is None or owner_id != actor.user_id:
        raise errors.NotChannelOwner(channel_id)
    await _end(session, actor, channel_id, [telegram_id])


async def end_by_telegram(
    session: AsyncSession, *, channel_id: int, telegram_ids: Collection[int]
) -> None:
    """End the work of managers who are no administrators of the channel for Telegram any more."""
    await _end(session, SYSTEM, channel_id, telegram_ids)


async def end_all_but(
    session: AsyncSession, *, channel_id: int, administrators: Collection[int]
) -> None:
    """End the work of all managers of a channel but those with these Telegram ids."""
    present = await list_telegram_ids(session, channel_id)
    if missing := set(present) - set(administrators):
        await end_by_telegram(session, channel_id=channel_id, telegram_ids=missing)


async def list_telegram_ids(session: AsyncSession, channel_id: int) -> Sequence[int]:
    """Return the Telegram ids of the managers of a channel."""
    query = (
        select(User.telegram_id)
        .join(ChannelManager, ChannelManager.user_id == User.id)
        .join(Channel, Channel.id == ChannelManager.channel_id)
        .where(ChannelManager.channel_id == channel_id, _COUNTS)
        .order_by(ChannelManager.id)
    )
    return (await session.scalars(query)).all()


async def list_ids(session: AsyncSession, channel_id: int, owner_id: int) -> Sequence[int]:
    """Return the user ids of the managers whom this owner of a channel has named."""
    query = (
        select(ChannelManager.user_id)
        .where(
            ChannelManager.channel_id == channel_id,
            ChannelManager.owner_id == owner_id,
            ChannelManager.ended_at.is_(None),
        )
        .order_by(ChannelManager.id)
    )
    return (await session.scalars(query)).all()


async def channels_of(session: AsyncSession, user_id: int) -> Sequence[Channel]:
    """Return the channels of which a person is a manager, except removed ones."""
    return (await session.scalars(_MANAGED, {"user_id": user_id})).all()


def manages_any(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Build the SQL condition that a person is a manager of a channel that is not removed."""
    managed = select(Channel.id).join(ChannelManager, ChannelManager.channel_id == Channel.id)
    return managed.where(
        ChannelManager.user_id == user_id, _COUNTS, Channel.status != ChannelStatus.REMOVED
    ).exists()


async def is_manager(
    session: AsyncSession, *, channel_id: int, owner_id: int, user_id: int | None
) -> bool:
    """Return whether this owner of a channel has named a person as manager."""
    found = await session.scalar(
        select(
            exists().where(
                ChannelManager.channel_id == channel_id,
                ChannelManager.owner_id == owner_id,
                ChannelManager.user_id == user_id,
                ChannelManager.ended_at.is_(None),
            )
        )
    )
    return bool(found)


_COUNTS = and_(ChannelManager.owner_id == Channel.owner_id, ChannelManager.ended_at.is_(None))
_MANAGED = (
    select(Channel)
    .join(ChannelManager, ChannelManager.channel_id == Channel.id)
    .where(
        ChannelManager.user_id == bindparam("user_id", type_=BigInteger),
        _COUNTS,
        Channel.status != ChannelStatus.REMOVED,
    )
    .order_by(Channel.id)
)


async def role_in(session: AsyncSession, channel: Channel, actor: Actor) -> str:
    """Return the role of a person in a channel: "owner" or "manager". Raises NotChannelOwner."""
    if channel.owner_id == actor.user_id:
        return "owner"
    if await is_manager(
        session, channel_id=channel.id, owner_id=channel.owner_id, user_id=actor.user_id
    ):
        return "manager"
    raise errors.NotChannelOwner(channel.id)


async def get_channel(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Return a channel of which the actor is the owner or a manager.

    Raises NotFound, NotChannelOwner.
    """
    channel = await session.get(Channel, channel_id)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    await role_in(session, channel, actor)
    return channel


def may_answer(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Build the SQL condition that a person may answer for the owner of a placement's channel.

    The caller's query must select from `campaign_targets`.
    """
    active = and_(ChannelManager.user_id == user_id, ChannelManager.ended_at.is_(None))
    owners = select(ChannelManager.owner_id).where(active)
    return and_(
        # The index of the waiting placements begins with the owner.
        CampaignTarget.owner_id.in_(select(user_id).union_all(owners)),
        or_(
            CampaignTarget.owner_id == user_id,
            exists().where(
                active,
                ChannelManager.channel_id == CampaignTarget.channel_id,
                ChannelManager.owner_id == CampaignTarget.owner_id,
            ),
        ),
    )


async def _end(
    session: AsyncSession, actor: Actor, channel_id: int, telegram_ids: Collection[int]
) -> None:
    people = select(User.id).where(User.telegram_id.in_(telegram_ids))
    ended = await session.scalars(
        update(ChannelManager)
        .where(
            ChannelManager.channel_id == channel_id,
            ChannelManager.user_id.in_(people),
            ChannelManager.ended_at.is_(None),
        )
        .values(ended_at=func.clock())
        .returning(ChannelManager.user_id)
        .execution_options(synchronize_session=False)
    )
    for user_id in ended.all():
        await audit.record(
            session,
            actor=actor,
            action="manager_ended",
            role="system" if actor is SYSTEM else "owner",
            channel_id=channel_id,
            manager_id=user_id,
        )
        await _notify(session, user_id, ENDED, channel_id)


async def _notify(session: AsyncSession, user_id: int | None, kind: str, channel_id: int) -> None:
    await outbox.add(session, user_id=user_id, kind=kind, payload={"channel_id": channel_id})
