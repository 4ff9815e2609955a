"""Test that the admin chat is found after it got a new id, and that no other move is recorded.

A chat moves to a new id when Telegram turns a group into a supergroup.
"""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import chat_migrations

GROUP = -77
SUPERGROUP = -1_000_000_000_077
OTHER = -1_000_000_000_078


async def record(session: AsyncSession, old_chat_id: int, new_chat_id: int) -> None:
    """Record that a chat got a new id, while the settings name GROUP as the admin chat."""
    await chat_migrations.record_migration(
        session, admin_chat_id=GROUP, old_chat_id=old_chat_id, new_chat_id=new_chat_id
    )


async def test_a_group_that_moved_is_followed(session: AsyncSession) -> None:
    assert await chat_migrations.current_chat_id(session, GROUP) == GROUP
    await record(session, GROUP, SUPERGROUP)
    assert await chat_migrations.current_chat_id(session, GROUP) == SUPERGROUP


async def test_a_recorded_move_is_not_changed(session: AsyncSession) -> None:
    await record(session, GROUP, SUPERGROUP)
    await record(session, GROUP, OTHER)
    assert await chat_migrations.current_chat_id(session, GROUP) == SUPERGROUP


@pytest.mark.parametrize(
    ("old", "new"), [(-78, SUPERGROUP), (OTHER, SUPERGROUP), (GROUP, -78), (GROUP, 5)]
)
async def test_no_other_move_is_recorded(session: AsyncSession, old: int, new: int) -> None:
    await record(session, old, new)
    assert await chat_migrations.current_chat_id(session, GROUP) == GROUP
    assert await chat_migrations.current_chat_id(session, old) == old
