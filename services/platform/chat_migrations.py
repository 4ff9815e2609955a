"""Store and confirm the new id of the admin chat after the chat became a supergroup."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import MovedChat, Role
from services.platform import errors
from services.platform.actors import Actor

_FIRST_SUPERGROUP_ID = -1_000_000_000_000
"""Ids of supergroups and channels are below this number, and ids of groups above."""


async def record_migration(
    session: AsyncSession, *, admin_chat_id: int, old_chat_id: int, new_chat_id: int
) -> None:
    """Record the new id of the admin chat, which Telegram sends as `migrate_to_chat_id`.

    Records nothing if the old chat is not the present admin chat, or if the new chat is no
    supergroup.
    """
    present_id = await current_chat_id(session, admin_chat_id)
    if old_chat_id != present_id or new_chat_id >= _FIRST_SUPERGROUP_ID:
        return
    await session.execute(
        insert(MovedChat)
        .values(old_chat_id=old_chat_id, new_chat_id=new_chat_id)
        .on_conflict_do_nothing(index_elements=["old_chat_id", "new_chat_id"])
    )


async def confirm(
    session: AsyncSession, *, actor: Actor, old_chat_id: int, new_chat_id: int
) -> None:
    """Confirm the recorded new id of the admin chat for a super admin.

    The caller must first ask Telegram for the present id of the old chat. Locks the recorded move.
    Raises AccessDenied; AdminChatNotMoved if no such move waits for a confirmation.
    """
    if Role.SUPER_ADMIN not in actor.roles:
        raise errors.AccessDenied("admin_chat_confirm")
    confirmed = await session.scalar(
        update(MovedChat)
        .where(
            MovedChat.old_chat_id == old_chat_id,
            MovedChat.new_chat_id == new_chat_id,
            MovedChat.confirmed_at.is_(None),
        )
        .values(
            confirmed_by=actor.user_id,
            confirmed_in=actor.inbox_id,
            confirmed_at=await queries.now(session),
        )
        .returning(MovedChat.new_chat_id)
        .execution_options(synchronize_session=False)
    )
    if confirmed is None:
        raise errors.AdminChatNotMoved


async def current_chat_id(session: AsyncSession, chat_id: int) -> int:
    """Return the present id of a chat, without new ids that nobody has confirmed."""
    visited = {chat_id}
    while (
        new_chat_id := await session.scalar(
            select(MovedChat.new_chat_id).where(
                MovedChat.old_chat_id == chat_id, MovedChat.confirmed_at.is_not(None)
            )
        )
    ) is not None and new_chat_id not in visited:
        visited.add(new_chat_id)
        chat_id = new_chat_id
    return chat_id


async def unconfirmed_chat_ids(session: AsyncSession, chat_id: int) -> frozenset[int]:
    """Return the recorded new ids of a chat that nobody has confirmed."""
    return frozenset(
        await session.scalars(
            select(MovedChat.new_chat_id).where(
                MovedChat.old_chat_id == chat_id, MovedChat.confirmed_at.is_(None)
            )
        )
    )
