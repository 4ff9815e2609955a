"""Store what Telegram says about the channels, and decide when Telegram is asked again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Date, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelSubscribers
from db.models.campaigns import Channel, ChannelStatus
from db.models.users import User
from services.market import auto_delete, channels, managers, owner_suspensions
from services.money import payout_waits

READ_EVERY = timedelta(days=1)
CLAIM_TIME = timedelta(minutes=10)
"""If a process dies while it asks about a channel, another one asks after this time."""
POST_RIGHT = "can_post_messages"
_SHOWN = (ChannelStatus.ACTIVE, ChannelStatus.PAUSED)


@dataclass(frozen=True)
class DueChannel:
    """A channel about which Telegram has to be asked now."""

    id: int
    chat_id: int
    owner_telegram_id: int
    claimed_until: datetime


@dataclass(frozen=True)
class ChannelFacts:
    """The data of a channel, as Telegram says it at one moment."""

    title: str
    username: str | None
    description: str | None
    photo_id: str | None
    subscribers: int
    auto_delete_seconds: int | None
    protected: bool
    bot_rights: tuple[str, ...]
    """The names of the bot's rights. Without any right, the bot is no administrator."""
    owner_is_creator: bool
    """True if the channel's owner in the database is its creator in Telegram."""
    administrators: frozenset[int] = frozenset()
    """The Telegram ids of the administrators without the creator."""


async def claim_due(session: AsyncSession, *, limit: int) -> list[DueChannel]:
    """Claim channels about which Telegram has to be asked, those that wait longest first.

    Skips channels that another transaction has locked.
    """
    due = (
        select(Channel.id)
        .where(Channel.facts_due_at <= func.clock(), Channel.status != ChannelStatus.REMOVED)
        .order_by(Channel.facts_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .scalar_subquery()
    )
    claimed = await session.execute(
        update(Channel)
        .where(Channel.id.in_(due), User.id == Channel.owner_id)
        .values(facts_due_at=func.clock() + CLAIM_TIME)
        .returning(Channel.id, Channel.chat_id, User.telegram_id, Channel.facts_due_at)
        .execution_options(synchronize_session=False)
    )
    return [DueChannel(*row) for row in claimed.all()]


async def request(session: AsyncSession, *, chat_id: int) -> None:
    """Let Telegram be asked about a channel at once. Locks the channel.

    An answer that is on its way is not recorded, because it may be older than what has changed.
    """
    await session.execute(
        update(Channel).where(Channel.chat_id == chat_id).values(facts_due_at=func.clock())
    )


async def record(session: AsyncSession, due: DueChannel, facts: ChannelFacts) -> bool:
    """Store Telegram's answer about a claimed channel.

    The channel is suspended if the bot may not post there or if the owner is no longer its creator.
    It is restored if the bot has got its rights back. People are told about an auto-delete timer
    that has become too short. Releases to an owner who is not the creator wait. The work of
    managers who are no administrators any more ends. Returns False if the claim is over or Telegram
    has to be asked again. Locks the channel.
    """
    channel = await _lock_claimed(session, due)
    if channel is None:
        return False
    timer_changed = channel.auto_delete_seconds != facts.auto_delete_seconds
    channel.title, channel.username = facts.title, facts.username
    channel.description, channel.photo_id = facts.description, facts.photo_id
    channel.subscribers, channel.protected = facts.subscribers, facts.protected
    channel.auto_delete_seconds = facts.auto_delete_seconds
    channel.bot_rights = list(facts.bot_rights)
    await session.flush()
    await session.execute(
        update(Channel)
        .where(Channel.id == channel.id)
        .values(facts_at=func.clock(), facts_due_at=func.clock() + READ_EVERY)
        .execution_options(synchronize_session=False)
    )
    await _count_subscribers(session, channel)
    if POST_RIGHT not in facts.bot_rights:
        await channels.record_rights_lost(session, chat_id=channel.chat_id, reason="no_post_right")
    elif channel.status_reason is not None:
        await channels.record_rights_restored(
            session, chat_id=channel.chat_id, owner_is_creator=facts.owner_is_creator
        )
    if facts.owner_is_creator:
        await payout_waits.record_same_creator(session, channel)
    else:
        await payout_waits.record_other_creator(session, channel)
    if not facts.owner_is_creator and channel.status in _SHOWN:
        await owner_suspensions.record_not_creator(
            session, channel_id=channel.id, owner_id=channel.owner_id
        )
    await managers.end_all_but(session, channel_id=channel.id, administrators=facts.administrators)
    if timer_changed:
        await auto_delete.notify(session, channel)
    return True


async def record_lost(session: AsyncSession, due: DueChannel, *, reason: str) -> bool:
    """Suspend a claimed channel about which Telegram gives no answer any more.

    `reason` is a fixed word, for example for a channel that is gone. Returns False if the claim is
    over. Locks the channel.
    """
    channel = await _lock_claimed(session, due)
    if channel is None:
        return False
    await _ask_again_in(session, channel.id, READ_EVERY)
    await channels.record_rights_lost(session, chat_id=channel.chat_id, reason=reason)
    return True


async def postpone(session: AsyncSession, due: DueChannel, wait: timedelta) -> None:
    """Let Telegram be asked about a claimed channel after `wait`. Locks the channel."""
    channel = await _lock_claimed(session, due)
    if channel is not None:
        await _ask_again_in(session, channel.id, wait)


async def _lock_claimed(session: AsyncSession, due: DueChannel) -> Channel | None:
    found = await session.execute(
        select(Channel)
        .where(Channel.id == due.id, Channel.facts_due_at == due.claimed_until)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


async def _ask_again_in(session: AsyncSession, channel_id: int, wait: timedelta) -> None:
    await session.execute(
        update(Channel)
        .where(Channel.id == channel_id)
        .values(facts_due_at=func.clock() + wait)
        .execution_options(synchronize_session=False)
    )


async def _count_subscribers(session: AsyncSession, channel: Channel) -> None:
    today = cast(func.timezone("UTC", func.clock()), Date)
    await session.execute(
        insert(ChannelSubscribers)
        .values(channel_id=channel.id, day=today, count=channel.subscribers)
        .on_conflict_do_update(
            index_elements=["channel_id", "day"], set_={"count": channel.subscribers}
        )
    )
