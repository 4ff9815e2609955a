"""Store the new id of the admin chat when it becomes a supergroup, and find the present id."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import MovedChat

_FIRST_SUPERGROUP_ID = -1_000_000_000_000
"""The ids of supergroups and channels are below this number, and the ids of groups are above it."""


async def record_migration(
    session: AsyncSession, *, admin_chat_id: int, old_chat_id: int, new_chat_id: int
) -> None:
    """Record the new id of the admin chat, which Telegram sends as `migrate_to_chat_id`.

    Nothing is recorded if `old_chat_id` is not the present admin chat, or if `new_chat_id` is no
    supergroup. A recorded change of id stays for ever. `admin_chat_id` is the id in the settings.
    """
    present_id = await current_chat_id(session, admin_chat_id)
    if old_chat_id != present_id or new_chat_id >= _FIRST_SUPERGROUP_ID:
        return
    await session.execute(
        insert(MovedChat)
        .values(old_chat_id=old_chat_id, new_chat_id=new_chat_id)
        .on_conflict_do_nothing(index_elements=["old_chat_id"])
    )


async def current_chat_id(session: AsyncSession, chat_id: int) -> int:
    """Return the present id of a chat, even if its id has changed several times."""
    visited = {chat_id}
    while (
        new_chat_id := await session.scalar(
            select(MovedChat.new_chat_id).where(MovedChat.old_chat_id == chat_id)
        )
    ) is not None and new_chat_id not in visited:
        visited.add(new_chat_id)
        chat_id = new_chat_id
    return chat_id
