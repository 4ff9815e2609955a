"""Test that a group whose chat id has changed is still found under its old chat id."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import chat_migrations


async def test_a_group_that_moved_is_followed(session: AsyncSession) -> None:
    assert await chat_migrations.current_chat_id(session, -1) == -1
    await chat_migrations.record_migration(session, old_chat_id=-1, new_chat_id=-2)
    await chat_migrations.record_migration(session, old_chat_id=-2, new_chat_id=-3)
    assert await chat_migrations.current_chat_id(session, -1) == -3
    await chat_migrations.record_migration(session, old_chat_id=-1, new_chat_id=-5)
    assert await chat_migrations.current_chat_id(session, -1) == -5
    await chat_migrations.record_migration(
        session, old_chat_id=-5, new_chat_id=-1
    )  # the search also ends if the ids form a circle
    assert await chat_migrations.current_chat_id(session, -1) in {-1, -5}
