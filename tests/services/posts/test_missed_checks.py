"""Test that a check that could not be made is recorded, however the bot gets its rights back."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import Verdict
from services.market import channels
from services.money import escrow
from services.posts import posting, verification
from tests.conftest import Database
from tests.factories import one_post, people, rows

HOUR = timedelta(hours=1)
VERDICTS = "SELECT verdict FROM post_checks ORDER BY id"


async def _come_back(session: AsyncSession, made: people.Deal, way: str) -> None:
    chat_id = made.channel.chat_id
    if way != "rights":
        owner = await people.person(session) if "another" in way else made.owner
        await channels.connect(
            session,
            actor=owner,
            chat_id=chat_id,
            title="News",
            username=None,
            subscribers=1,
            former_owner_id=made.owner.user_id if way == "another creator" else None,
        )
    # Telegram also reports the bot's rights, before the connection or after it.
    await channels.record_rights_restored(session, chat_id=chat_id)


@pytest.mark.parametrize("due", [-1, 1, 5])
@pytest.mark.parametrize(
    ("removed", "way"),
    [
        (False, "rights"),
        (False, "connected again"),
        (False, "another creator"),
        (True, "rights"),
        (True, "connected again"),
        (True, "another person"),
    ],
)
async def test_a_check_that_was_due_without_rights_is_unknown(
    database: Database, way: str, due: int, *, removed: bool
) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=24)
    async with database.sessions.begin() as session:
        await session.execute(
            text("UPDATE post_jobs SET next_check_at = clock() + make_interval(hours => :hours)"),
            {"hours": due},
        )
        await channels.record_rights_lost(
            session, chat_id=made.channel.chat_id, reason="bot_removed"
        )
        if removed:
            await channels.remove(session, actor=made.owner, channel_id=made.channel.id)
    await database.forward(2 * HOUR)
    async with database.sessions.begin() as session:
        await _come_back(session, made, way)
        missed = ["unknown"] if due < 2 else []
        assert [row[0] for row in await rows.table(session, VERDICTS)] == missed
    await database.forward(22 * HOUR)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x"
        )
        await escrow.release(session, target_id=made.target.id)
        unclear = "SELECT DISTINCT payload->'unclear' FROM outbox WHERE kind = 'target_paid'"
        assert await rows.one(session, unclear) == len(missed)


@pytest.mark.parametrize("reason", channels.REASONS_WITH_ACCESS)
async def test_a_suspension_with_rights_misses_no_check(database: Database, reason: str) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=24)
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE channels SET status = 'suspended', status_reason = :reason,"
                " suspended_at = clock()"
            ),
            {"reason": reason},
        )
    await database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    async with database.sessions.begin() as session:
        await _come_back(session, made, "connected again")
        assert await rows.table(session, VERDICTS) == []


@pytest.mark.parametrize("state", ["uncertain", "paid"])
async def test_only_a_live_post_has_missed_checks(database: Database, state: str) -> None:
    async with database.sessions.begin() as session:
        if state == "uncertain":
            made = await people.approved(session, promised_hours=24)
            claim = await people.claimed(session)
            assert await one_post.may_send(session, claim)
            assert await posting.record_uncertain(session, claim, error="TimeoutError")
        else:
            made = await people.posted(session, promised_hours=0)
            await escrow.release(session, target_id=made.target.id)
    await database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    async with database.sessions.begin() as session:
        chat_id = made.channel.chat_id
        await channels.record_rights_lost(session, chat_id=chat_id, reason="bot_removed")
        await channels.record_rights_restored(session, chat_id=chat_id)
        assert await rows.table(session, VERDICTS) == []
