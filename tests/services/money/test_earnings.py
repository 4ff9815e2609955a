"""Test the sums of an owner's payouts in periods of time."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.money import earnings, escrow
from services.money.earnings import Earned
from tests.conftest import Database
from tests.factories import one_post, people


async def _paid(session: AsyncSession) -> people.Deal:
    made = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=made.target.id)
    return made


async def test_each_payout_counts_in_its_period(database: Database) -> None:
    async with database.sessions.begin() as session:
        start = await queries.now(session)
        made = await _paid(session)
    await database.forward(timedelta(days=7))
    async with database.sessions.begin() as session:
        target = await people.another(session, made)
        claim = await people.claimed(session)
        assert await one_post.record_published(session, claim, message_id=11)
        await escrow.release(session, target_id=target.id)
        begins = [start - timedelta(days=7), start, start + timedelta(days=7)]
        owner = made.owner.user_id or 0
        found = await earnings.by_period(session, user_id=owner, begins=begins)
        assert found == [Earned(0, 0), Earned(4_500, 1), Earned(4_500, 1)]
        found = await earnings.by_period(session, user_id=owner, begins=begins[2:])
        assert found == [Earned(4_500, 1)]
        another = await _paid(session)
        found = await earnings.by_period(session, user_id=owner, begins=begins[2:])
        assert found == [Earned(4_500, 1)], another


async def test_deposits_and_refunds_are_no_earnings(session: AsyncSession) -> None:
    start = await queries.now(session) - timedelta(days=1)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    for person in (lost.advertiser, lost.owner):
        found = await earnings.by_period(session, user_id=person.user_id or 0, begins=[start])
        assert found == [Earned(0, 0)]


async def test_one_owners_payouts_are_read_by_the_index_of_payouts(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _paid(session)
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        now, owner = await queries.now(session), made.owner.user_id or 0
        plan = await session.execute(
            text(f"EXPLAIN {earnings._BY_PERIOD.text}"),
            {"user_id": owner, "begins": [now], "first": now},
        )
    lines = "\n".join(row[0] for row in plan)
    assert "ix_ledger_entries_payouts" in lines, lines
