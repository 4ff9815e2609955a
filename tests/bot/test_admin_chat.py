"""Test the id of the admin chat that a process keeps."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from bot.admin_chat import AdminChat
from tests.conftest import Database

OLD_GROUP = -77
NEW_GROUP = -1_000_000_000_077


async def test_a_slow_reading_from_before_a_move_does_not_hide_the_move(
    database: Database,
) -> None:
    """Check that a reading that began before a move was recorded is dropped when it ends later.

    Without this rule, the bot would refuse to answer in the new chat until the next reading.
    """
    admin_chat = AdminChat(OLD_GROUP, database.sessions)
    has_read, may_end = asyncio.Event(), asyncio.Event()

    class SlowSession(AsyncSession):
        """A session that returns the rows of its last statement late."""

        async def scalars(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
            rows = (await super().scalars(*args, **kwargs)).all()  # type: ignore[call-overload]
            has_read.set()
            await may_end.wait()
            return rows

    async with database.sessions() as plain, SlowSession(await plain.connection()) as slow:
        reading = asyncio.create_task(admin_chat.refresh(slow))
        await has_read.wait()
        assert await admin_chat.follow(OLD_GROUP, NEW_GROUP)
        may_end.set()
        await reading
    assert admin_chat.unconfirmed_ids == {NEW_GROUP}
