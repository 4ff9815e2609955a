"""Test the message to the admins about altered posts."""

from datetime import datetime, timedelta

from bot.screens import notices as screens
from bot.texts import Texts
from db.models.posting import AdPart, Verdict
from services.posts import alterations, verification
from tests.conftest import Database
from tests.factories import people, rows

NOTICE = (
    "SELECT payload->>'since', payload->>'until', user_id, priority,"
    " due_at - now() FROM outbox WHERE kind = 'posts_altered' ORDER BY id"
)


async def _alter(database: Database, target_id: int) -> None:
    async with database.sessions.begin() as session:
        job_id = await rows.one(
            session, "SELECT id FROM post_jobs WHERE campaign_target_id = :id", id=target_id
        )
        await verification.record_check(
            session,
            job_id=job_id,
            verdict=Verdict.ALTERED,
            evidence="x",
            altered_parts=[AdPart.TEXT, AdPart.MEDIA],
        )


async def test_alterations_of_a_period_come_in_one_message_of_low_priority(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        posts = [await people.posted(session, promised_hours=24) for _ in range(12)]
    await database.forward(timedelta(hours=1))
    for post in posts:
        await _alter(database, post.target.id)
    await _alter(database, posts[0].target.id)  # the second alteration is a breach
    async with database.sessions.begin() as session:
        notices = await rows.table(session, NOTICE)
        told = [
            row
            for since, until, *_ in notices
            for row in await alterations.list_notified(
                session, since=datetime.fromisoformat(since), until=datetime.fromisoformat(until)
            )
        ]
    assert len(notices) <= 2  # a period may end during the test
    assert [row.target_id for row in told] == [post.target.id for post in posts]
    for _, _, user_id, priority, wait in notices:
        assert (user_id, priority) == (None, 2)
        assert timedelta() < wait <= alterations.ALTERATION_PERIOD + timedelta(seconds=5)
    text = screens.posts_altered(Texts("en", people.CURRENCY), told).text
    first, *_, more = text.splitlines()[1:]
    assert f"#{posts[0].target.id} · " in first
    assert f"https://t.me/c/{-1_000_000_000_000 - posts[0].channel.chat_id}/" in first
    assert more == "and 2 more"


async def test_an_alteration_that_is_a_breach_comes_as_a_card_alone(database: Database) -> None:
    async with database.sessions.begin() as session:
        post = await people.posted(session, promised_hours=24)
    await database.forward(timedelta(hours=20))  # nobody knows when the post was altered
    await _alter(database, post.target.id)
    async with database.sessions.begin() as session:
        assert await rows.table(session, NOTICE) == []
        cards = "SELECT count(*) FROM outbox WHERE kind = 'post_unseen'"
        assert await rows.one(session, cards) == 1
