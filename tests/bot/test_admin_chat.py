"""Test that the bot knows the current id of the admin chat."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from bot.admin_chat import AdminChat
from tests.conftest import Database

OLD_GROUP = -77
NEW_GROUP = -1_000_000_000_077


async def test_a_slow_reading_from_before_a_move_does_not_hide_the_move(
    database: Database,
) -> None:
    admin_chat = AdminChat(OLD_GROUP, database.sessions)
    has_read, may_end = asyncio.Event(), asyncio.Event()

    class SlowSession(AsyncSession):
        """A database session that returns rows only after the event `may_end`."""

        async def scalars(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]  # any call
            rows = (await super().scalars(*args, **kwargs)).all()  # type: ignore[call-overload]  # likewise
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
