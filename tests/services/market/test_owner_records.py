"""Test what buyers read about an owner's earlier placements."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import agreements, owner_records, placement_expiry
from services.market.owner_records import PERIOD, OwnerRecord
from services.money import escrow
from tests.conftest import Database
from tests.factories import people
from tests.factories.people import Deal

HOUR = timedelta(hours=1)


async def _record(session: AsyncSession, made: Deal) -> OwnerRecord:
    return (await owner_records.of_channels(session, [made.channel.id]))[made.channel.id]


async def test_answers_are_counted_and_timed(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=True, balance=30_000)
        assert await _record(session, made) == OwnerRecord()
        others = [await people.another(session, made, decide=False) for _ in range(3)]
    for hours, target in ((1, made.target), (2, others[0])):
        await database.forward(HOUR)
        async with database.sessions.begin() as session:
            await agreements.accept(session, actor=made.owner, target_id=target.id)
            record = await _record(session, made)
            assert record.answer_time is not None
            assert record.answer_time > HOUR * (1 + hours) / 2
    await database.forward(HOUR)
    async with database.sessions.begin() as session:
        await agreements.decline(session, actor=made.owner, target_id=others[1].id, reason="topic")
    await database.forward(agreements.ANSWER_TIME)
    async with database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
        record = await _record(session, made)
    assert (record.declined, record.unanswered) == (1, 1)
    assert record.answer_time is not None
    assert 2 * HOUR <= record.answer_time < 2.1 * HOUR


async def test_an_answer_by_the_rule_says_nothing_about_the_owners_speed(
    session: AsyncSession,
) -> None:
    assert await _record(session, await people.deal(session)) == OwnerRecord()


async def test_posts_that_stayed_and_those_that_did_not_are_counted(database: Database) -> None:
    async with database.sessions.begin() as session:
        kept = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=kept.target.id)
        assert await _record(session, kept) == OwnerRecord(kept=1)
        gone = await people.posted(session)
    await database.as_owner(
        "UPDATE post_jobs SET status = 'failed', last_error = 'removed'"
        f" WHERE campaign_target_id = {gone.target.id}"
    )
    async with database.sessions.begin() as session:
        assert await _record(session, gone) == OwnerRecord(removed=1)
        both = await owner_records.of_channels(session, [kept.channel.id, gone.channel.id])
        assert [record.kept for record in both.values()] == [1, 0]


async def test_what_a_former_owner_has_done_does_not_count(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=made.target.id)
    await people.take_over(session, made.channel)
    assert await _record(session, made) == OwnerRecord()


async def test_an_old_placement_does_not_count(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=made.target.id)
    await database.forward(PERIOD)
    async with database.sessions.begin() as session:
        assert await _record(session, made) == OwnerRecord()


async def test_the_record_is_read_by_an_index(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session)
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await session.execute(
            text("EXPLAIN " + owner_records._READ.text.replace(":period", "interval '90 days'")),
            {"ids": [made.channel.id]},
        )
    lines = "\n".join(row[0] for row in plan)
    assert "ix_campaign_targets_channel_id_id" in lines, lines
