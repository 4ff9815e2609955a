"""Store the new id of the admin chat when it becomes a supergroup, and let people confirm it.

Telegram gives the chat a new id (a move). Before a super admin confirms the move in the new chat,
nobody can act as staff there. Messages to the admin chat are sent to the last confirmed id. If the
chat has moved, Telegram's answer contains the new id, and `FollowAdminChat` uses it.
"""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import MovedChat, Role
from services.platform import errors
from services.platform.actors import Actor

_FIRST_SUPERGROUP_ID = -1_000_000_000_000
"""The ids of supergroups and channels are below this number, and the ids of groups are above it."""


async def record_migration(
    session: AsyncSession, *, admin_chat_id: int, old_chat_id: int, new_chat_id: int
) -> None:
    """Record the new id of the admin chat, which Telegram sends as `migrate_to_chat_id`.

    The database notifies the admin chat and the super admins. If the old chat is not the present
    admin chat, or if the new chat is no supergroup, nothing is recorded. `admin_chat_id` is the id
    in the settings.
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
    """Confirm a recorded move (a new id) of the admin chat. The actor must be a super admin.

    The super admin pressed the button in the new chat. Before the call, the caller must ask
    Telegram for the present id of the old chat. Locks the move. Raises AccessDenied. Raises
    AdminChatNotMoved if no such move waits for a confirmation.
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
    """Return the present id of a chat, even if the chat got a new id several times.

    A new id that nobody has confirmed is ignored.
    """
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
