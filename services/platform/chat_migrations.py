"""Store the new ids of groups that became supergroups, and find the present id of a chat."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import MovedChat


async def record_migration(session: AsyncSession, *, old_chat_id: int, new_chat_id: int) -> None:
    """Record the new chat id of a group that became a supergroup (`migrate_to_chat_id`)."""
    await session.execute(
        insert(MovedChat)
        .values(old_chat_id=old_chat_id, new_chat_id=new_chat_id)
        .on_conflict_do_update(index_elements=["old_chat_id"], set_={"new_chat_id": new_chat_id})
    )


async def current_chat_id(session: AsyncSession, chat_id: int) -> int:
    """Return the present id of a chat, also if the chat got a new id several times."""
    visited = {chat_id}
    while (
        new_chat_id := await session.scalar(
            select(MovedChat.new_chat_id).where(MovedChat.old_chat_id == chat_id)
        )
    ) is not None and new_chat_id not in visited:
        visited.add(new_chat_id)
        chat_id = new_chat_id
    return chat_id
