"""Test that a placement's story has each step that the product records."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.posting import Verdict
from services.market import (
    agreements,
    campaigns,
    cancellations,
    change_requests,
    moderation,
    placement_expiry,
    placement_versions,
    stories,
)
from services.money import escrow
from services.posts import verification
from tests.conftest import Database
from tests.factories import people, rows

INDEXES = (
    "ix_change_requests_campaign_target_id_id",
    "uq_placement_answers_campaign_target_id_version",
    "ix_post_checks_post_job_id_checked_at",
    "ix_user_audit_logs_action_created_at",
)


async def _words(session: AsyncSession, made: people.Deal) -> list[tuple[object, ...]]:
    """Return the steps of a placement without their times, and check the order of the times."""
    story = await stories.read(session, made.target.id)
    assert [step.at for step in story] == sorted(step.at for step in story)
    return [(step.what, step.version, step.who, step.reason, step.number) for step in story]


async def test_a_placement_that_was_changed_agreed_and_cancelled(session: AsyncSession) -> None:
    now = await queries.now(session)
    made = await people.deal(session, asks=True, publish_at=now + timedelta(days=3))
    target_id = made.target.id
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=target_id, version=1, words="link"
    )
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=target_id, version=1, price=6_000
    )
    await placement_versions.change_ad(
        session,
        actor=made.advertiser,
        target_id=target_id,
        version=1,
        creative=people.advert("Other bread"),
    )
    await agreements.accept(session, actor=made.owner, target_id=target_id, version=2)
    await moderation.approve(session, actor=made.moderator, target_id=target_id, version=2)
    await cancellations.cancel(
        session, actor=made.advertiser, target_id=target_id, reason="mistake"
    )
    assert await _words(session, made) == [
        ("submitted", 1, "", "", None),
        ("asked", 1, "owner", "link", None),
        ("asked", 1, "owner", "price", 6_000),
        ("changed", 2, "", "", None),
        ("accepted", 2, "owner", "", None),
        ("approved", 2, "", "", None),
        ("cancelled", 1, "", "mistake", None),
        ("refunded", 1, "", "cancelled", 5_000),
    ]


async def test_a_placement_that_was_published_checked_and_paid(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=0)
    job_id = await rows.one(session, "SELECT id FROM post_jobs")
    for verdict in (Verdict.ALTERED, Verdict.PRESENT):
        await verification.record_check(
            session, job_id=job_id, verdict=verdict, evidence="x", altered_parts=[]
        )
    await escrow.release(session, target_id=made.target.id)
    found = await _words(session, made)
    assert found == [
        ("submitted", 1, "", "", None),
        ("accepted", 1, "rule", "", None),
        ("approved", 1, "", "", None),
        ("published", 1, "", "", None),
        ("checked", 1, "", "present", 2),
        ("paid", 1, "", "", 4_500),
    ]


async def test_a_story_has_its_own_payout(session: AsyncSession) -> None:
    """Check two placements that were paid, with different prices."""
    for price, share in ((5_000, 4_500), (6_000, 5_400)):
        made = await people.posted(session, promised_hours=0, price=price)
        await escrow.release(session, target_id=made.target.id)
        assert (await _words(session, made))[-1] == ("paid", 1, "", "", share)


@pytest.mark.parametrize(
    ("last_error", "status", "sent", "why"),
    [
        (None, "cancelled", False, "stopped"),
        ("removed", "failed", True, "removed"),
        ("breach: altered", "failed", True, "breach"),
        ("chat not found", "failed", False, "unpublished"),
        ("an admin's decision", "failed", True, "decided"),
    ],
)
async def test_a_refund_says_why(
    database: Database, last_error: str | None, status: str, why: str, *, sent: bool
) -> None:
    async with database.sessions.begin() as session:
        made = await (people.posted if sent else people.approved)(session)
    await database.as_owner("ALTER TABLE post_jobs DISABLE TRIGGER decided_by_admin")
    await database.as_owner(
        f"UPDATE post_jobs SET status = '{status}', last_error = $1", last_error
    )
    async with database.sessions.begin() as session:
        await escrow.refund(session, target_id=made.target.id)
        assert (await _words(session, made))[-1] == ("refunded", 1, "", why, 5_000)


async def test_how_a_placement_ended_before_its_approval(database: Database) -> None:
    async with database.sessions.begin() as session:
        declined, withdrawn, rejected, expired = [
            await people.deal(session, asks=True) for _ in range(4)
        ]
        await agreements.decline(
            session, actor=declined.owner, target_id=declined.target.id, reason="topic"
        )
        await campaigns.withdraw_target(
            session, actor=withdrawn.advertiser, target_id=withdrawn.target.id
        )
        await moderation.reject(
            session, actor=rejected.moderator, target_id=rejected.target.id, reason="quality"
        )
    await database.forward(timedelta(days=2))
    async with database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
        for made, last in (
            (declined, ("declined", 1, "owner", "topic", None)),
            (withdrawn, ("withdrawn", 1, "", "", None)),
            (rejected, ("rejected", 1, "", "quality", None)),
            (expired, ("expired", 1, "", "", None)),
        ):
            assert (await _words(session, made))[1:] == [last]


async def test_a_story_is_read_by_indexes(session: AsyncSession) -> None:
    made = await people.posted(session)
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = "\n".join(
        row[0]
        for row in await rows.table(session, f"EXPLAIN {stories._STORY}", target_id=made.target.id)
    )
    assert [name for name in INDEXES if name not in plan] == []
    assert "Seq Scan" not in plan
