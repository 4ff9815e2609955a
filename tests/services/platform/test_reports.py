"""Test the SQL reports of the production checklist and of the safety plan."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import campaigns
from services.money import audit_chain, escrow
from services.platform import errors, reports
from tests.conftest import Database
from tests.factories import breakage, people, rows

CLEAN = (
    *("escrow_uniqueness", "job_uniqueness", "orphans", "orphaned_targets", "drift"),
    "unpaid_releases",
)


@pytest.fixture
async def world(session: AsyncSession) -> AsyncSession:
    """Create a paid, a refunded, a held and a pending placement, and a draft campaign."""
    paid = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=paid.target.id)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    await people.approved(session)
    deal = await people.deal(session)
    await campaigns.create(
        session,
        actor=deal.advertiser,
        name="Draft",
        creative=people.advert(),
        total_budget=5,
    )
    return session


async def _counts(session: AsyncSession, name: str, column: str) -> dict[str, int]:
    return {row[column]: row["count"] for row in await reports.run(session, name)}


@pytest.mark.parametrize("name", CLEAN)
async def test_reports_of_mistakes_are_empty(world: AsyncSession, name: str) -> None:
    assert await reports.run(world, name) == []


async def test_every_wallet_of_the_ledger_report_is_valid(world: AsyncSession) -> None:
    found = await reports.run(world, "ledger")
    assert len(found) == await rows.one(world, "SELECT count(*) FROM wallets")
    assert all(row["is_valid"] is True for row in found)
    assert sum(row["ledger_sum"] or 0 for row in found) == 0


async def test_the_counts_are_those_of_the_plan(world: AsyncSession) -> None:
    assert await reports.run(world, "counts") == [
        {"campaign_count": 5, "target_count": 4, "escrow_count": 3, "postjob_count": 3}
    ]
    assert await _counts(world, "campaign_statuses", "status") == {"active": 4, "draft": 1}
    assert await _counts(world, "job_statuses", "status") == {
        "success": 1,
        "failed": 1,
        "queued": 1,
    }
    assert await _counts(world, "escrow_statuses", "status") == {
        "released": 1,
        "refunded": 1,
        "held": 1,
    }
    assert [row["status"] for row in await reports.run(world, "held")] == ["held"]
    failed = await reports.run(world, "failed_jobs")
    assert [row["last_error"] for row in failed] == ["Bad Request: chat not found"]


async def test_the_weekly_report_counts_and_lists_the_audit(world: AsyncSession) -> None:
    week = await reports.run(world, "week")
    assert [
        (row["active_campaigns"], row["draft_campaigns"], row["posted_targets"]) for row in week
    ] == [(4, 1, 1)]
    assert week[0]["approved_targets"] == 1
    for name in ("audit", "audit_recent"):
        actions = await _counts(world, name, "action")
        assert actions["campaign_activated"] == 4
        assert actions["target_submitted"] == 4
        assert actions["moderation_approved"] == 3


async def test_every_report_runs_on_an_empty_database(session: AsyncSession) -> None:
    for name in reports.REPORTS:
        assert isinstance(await reports.run(session, name), list), name
    with pytest.raises(errors.NotFound):
        await reports.run(session, "'; DROP TABLE wallets")


async def test_revenue_and_held_money_are_shown_by_day(database: Database) -> None:
    fee = people.PRICE * people.FEE_BPS // 10_000
    async with database.sessions.begin() as session:
        first = await people.posted(session, promised_hours=0)
        lost = await people.failed(session)
    await database.forward(timedelta(days=1))
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=first.target.id)
        await audit_chain.extend(session)
    await database.forward(timedelta(days=2))
    async with database.sessions.begin() as session:
        await escrow.refund(session, target_id=lost.target.id)
        await people.approved(session)
        revenue = await reports.run(session, "revenue_by_day")
        held = await reports.run(session, "held_by_day")
    assert len(revenue) == len(held) == reports.DAYS
    assert [row["revenue"] for row in revenue[:5]] == [0, 0, fee, 0, 0]
    assert [row["fees"] for row in revenue[:5]] == [0, 0, 1, 0, 0]
    price = people.PRICE
    assert [row["held"] for row in held[:5]] == [price, price, price, 2 * price, 0]
    assert [row["newly_held"] for row in held[:5]] == [price, 0, 0, 2 * price, 0]
    assert [row["released_or_refunded"] for row in held[:5]] == [price, 0, price, 0, 0]


async def test_old_entries_are_left_out_but_their_held_money_counts(
    chained_database: Database,
) -> None:
    async with chained_database.sessions.begin() as session:
        await people.approved(session)
        await audit_chain.extend(session)
    await chained_database.forward(timedelta(days=reports.DAYS + 5))
    async with chained_database.sessions.begin() as session:
        held = await reports.run(session, "held_by_day")
        assert sum(row["newly_held"] for row in held) == 0
        now = await rows.one(session, "SELECT sum(amount) FROM escrows WHERE status = 'held'")
        assert {row["held"] for row in held} == {now}


async def test_a_wrong_status_of_an_escrow_changes_no_day_before_it(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    await breakage.run_unguarded(
        database, "UPDATE escrows SET status = 'released', settled_at = now()"
    )
    async with database.sessions.begin() as session:
        held = [row["held"] for row in await reports.run(session, "held_by_day")]
    assert held == [people.PRICE, *[0] * (reports.DAYS - 1)]
    await breakage.run_unguarded(database, "UPDATE escrows SET status = 'held', settled_at = NULL")


async def test_held_escrows_are_stuck_waiting_or_live(session: AsyncSession) -> None:
    live = await people.posted(session)
    waiting = await people.approved(session)
    found = await reports.run(session, "held")
    assert [(row["campaign_target_id"], row["state"]) for row in found] == [
        (waiting.target.id, "waiting"),
        (live.target.id, "live"),
    ]
    assert found.wrong == 0
    found = await reports.run(session, "held", sla=timedelta(microseconds=-1))
    assert [row["state"] for row in found] == ["stuck", "live"]
    assert found.wrong == 1


async def test_a_page_of_a_report_continues_the_page_before(world: AsyncSession) -> None:
    whole = await reports.run(world, "ledger")
    pages = [await reports.run(world, "ledger", limit=3, offset=start) for start in (0, 3)]
    assert pages[0] + pages[1] == whole[:6]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("ledger", "pk_wallets"),
        ("ledger", "uq_ledger_entries_wallet_id_version"),
        ("escrow_uniqueness", "uq_escrows_campaign_target_id"),
        ("job_uniqueness", "uq_post_jobs_campaign_target_id"),
        ("held", "ix_escrows_held"),
        ("failed_jobs", "ix_post_jobs_status_updated_at"),
        ("unpaid_releases", "ix_ledger_entries_payouts"),
        ("audit", "ix_user_audit_logs_created_at"),
        ("audit_recent", "ix_user_audit_logs_created_at"),
        ("revenue_by_day", "ix_ledger_entries_txn"),
        ("held_by_day", "ix_ledger_entries_txn"),
    ],
)
async def test_reports_about_growing_tables_use_an_index(
    session: AsyncSession, name: str, index: str
) -> None:
    for setting in ("enable_seqscan", "enable_bitmapscan", "enable_nestloop"):
        await session.execute(text("SELECT set_config(:name, 'off', true)"), {"name": setting})
    query = reports.REPORTS[name].query.replace(":sla", "'1 day'").replace(":first_txn", "5")
    plan = await rows.table(session, f"EXPLAIN {query}")
    assert any(index in line for (line,) in plan), plan
