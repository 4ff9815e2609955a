"""Mark channels as favourites of a person."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.catalogue import FavouriteChannel
from services.market import channels
from services.platform.actors import Actor


async def is_marked(session: AsyncSession, *, user_id: int, channel_id: int) -> bool:
    """Return whether a channel is a favourite of a person."""
    return await session.get(FavouriteChannel, (user_id, channel_id)) is not None


async def mark(session: AsyncSession, *, actor: Actor, channel_id: int, marked: bool) -> None:
    """Mark a channel as a favourite of the actor, or take the mark off. Raises NotFound.

    A second call changes nothing.
    """
    user_id = actor.require_user(action="favourite")
    await channels.get(session, channel_id)
    row = {"user_id": user_id, "channel_id": channel_id}
    if marked:
        await session.execute(insert(FavouriteChannel).values(row).on_conflict_do_nothing())
    else:
        await session.execute(delete(FavouriteChannel).filter_by(**row))
