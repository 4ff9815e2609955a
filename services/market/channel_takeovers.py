"""Give channels to their new owners."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from services.platform import audit, outbox
from services.platform.actors import Actor


async def take_over(session: AsyncSession, actor: Actor, channel: Channel, owner_id: int) -> None:
    """Give a channel to its new creator. The former owner keeps the existing placements.

    Notifies the former owner and the admins. The caller has locked the channel.
    """
    former_owner_id = channel.owner_id
    channel.status = ChannelStatus.REMOVED
    await session.flush()
    reopen(channel, owner_id)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="channel_taken_over",
        role="owner",
        channel_id=channel.id,
        former_owner_id=former_owner_id,
    )
    for user_id in (former_owner_id, None):
        await outbox.add(
            session, user_id=user_id, kind="channel_taken_over", payload={"channel_id": channel.id}
        )


def reopen(channel: Channel, owner_id: int) -> None:
    """Let a removed channel begin again without terms and link, with the owner `owner_id`."""
    channel.status, channel.status_reason = ChannelStatus.PENDING, None
    channel.owner_id = owner_id
    channel.price = channel.promised_hours = channel.topic = channel.invite_link = None
