"""Store the id of the newest known message of a channel, above which lost posts are searched."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel


async def record(session: AsyncSession, *, chat_id: int, message_id: int) -> None:
    """Raise the stored highest message id of a channel to `message_id`. Locks the channel.

    The search for a lost post begins above the stored id. Therefore `message_id` must be the newest
    message of the channel, or a post that a search found above such a message.
    """
    await session.execute(
        update(Channel)
        .where(Channel.chat_id == chat_id, Channel.last_message_id < message_id)
        .values(last_message_id=message_id)
    )


async def reset(session: AsyncSession, *, chat_id: int) -> None:
    """Set the stored highest message id to 0 for a channel that the bot has left.

    Locks the channel.
    """
    await session.execute(
        update(Channel).where(Channel.chat_id == chat_id).values(last_message_id=0)
    )
