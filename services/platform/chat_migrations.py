"""Groups that became supergroups: Telegram gives them a new id."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import MovedChat


async def record_migration(session: AsyncSession, *, old_chat_id: int, new_chat_id: int) -> None:
    """Keep that a group became a supergroup (`migrate_to_chat_id`)."""
    await session.execute(
        insert(MovedChat)
        .values(old_chat_id=old_chat_id, new_chat_id=new_chat_id)
        .on_conflict_do_update(index_elements=["old_chat_id"], set_={"new_chat_id": new_chat_id})
    )


async def current_chat_id(session: AsyncSession, chat_id: int) -> int:
    """Return where a chat is now, after any moves."""
    seen = {chat_id}
    while (
        moved := await session.scalar(
            select(MovedChat.new_chat_id).where(MovedChat.old_chat_id == chat_id)
        )
    ) is not None and moved not in seen:
        seen.add(moved)
        chat_id = moved
    return chat_id
