"""Test the SQL reports of the production checklist and of the safety plan."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import campaigns
from services.money import escrow
from services.platform import errors, reports
from tests.factories import people, rows

CLEAN = ("escrow_uniqueness", "job_uniqueness", "orphans", "drift", "unpaid_releases")


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
