"""Test that a post which covers an ad within its hours on top is noted once."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import placements
from services.posts import top_watch
from tests.factories import people, rows
from tests.factories.people import Deal

TOLD = "SELECT user_id, payload->>'to' FROM outbox WHERE kind = 'post_above' ORDER BY id"


async def _posted(session: AsyncSession, *, on_top: int) -> tuple[Deal, int, int]:
    """Publish an ad. Return the deal, the chat's id, and the id of the post's message."""
    made = await people.posted(session, hours_on_top=on_top)
    chat_id, message_id = (
        made.channel.chat_id,
        await rows.one(session, "SELECT message_id FROM post_jobs"),
    )
    return made, chat_id, message_id


async def test_the_first_newer_post_is_noted_and_told_to_both(session: AsyncSession) -> None:
    made, chat_id, message_id = await _posted(session, on_top=2)
    at = await queries.now(session)
    for newer in (message_id + 3, message_id + 4):
        await top_watch.note(session, chat_id=chat_id, message_id=newer, posted_at=at)
    assert await rows.table(session, "SELECT message_id, posted_at FROM posts_above") == [
        (message_id + 3, at)
    ]
    assert await rows.table(session, TOLD) == [
        (made.owner.user_id, "owner"),
        (made.advertiser.user_id, "advertiser"),
    ]
    row = await placements.get(session, actor=made.advertiser, target_id=made.target.id)
    assert (row.covered_at, row.covered_by) == (at, message_id + 3)


@pytest.mark.parametrize(
    ("on_top", "above", "later", "same_chat"),
    [(0, 1, 0, True), (2, -1, 0, True), (2, 1, 3, True), (2, 1, 0, False)],
    ids=["no promise", "older message", "after the hours", "another channel"],
)
async def test_other_posts_cover_nothing(
    session: AsyncSession, on_top: int, above: int, later: int, *, same_chat: bool
) -> None:
    _, chat_id, message_id = await _posted(session, on_top=on_top)
    await top_watch.note(
        session,
        chat_id=chat_id if same_chat else chat_id - 1,
        message_id=message_id + above,
        posted_at=await queries.now(session) + timedelta(hours=later),
    )
    assert await rows.table(session, "SELECT * FROM posts_above") == []
    assert await rows.table(session, TOLD) == []
