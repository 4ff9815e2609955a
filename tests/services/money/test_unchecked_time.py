"""Test the longest time for which nobody checked a published post."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from db.models.posting import PostCheck, Verdict
from services.money import unchecked_time
from tests.conftest import Database
from tests.factories import people, rows

HOUR = timedelta(hours=1)


async def _longest(
    database: Database, promised: int, checks: list[float], **check: object
) -> float:
    """Return the longest stretch in hours for a post with checks at these hours."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=promised)
    await database.forward(promised * HOUR)
    async with database.sessions.begin() as session:
        find = "SELECT id, sent_at FROM post_jobs WHERE campaign_target_id = :id"
        [(job_id, sent_at)] = await rows.table(session, find, id=made.target.id)
        for hours in checks:
            values = {"verdict": Verdict.PRESENT, "evidence": "x", "compared": True} | check
            values |= {"post_job_id": job_id, "checked_at": sent_at + hours * HOUR}
            await session.execute(insert(PostCheck).values(values))
        found = await unchecked_time.longest(
            session, target_id=made.target.id, ends_at=sent_at + promised * HOUR
        )
    return found / HOUR


@pytest.mark.parametrize(
    ("promised", "checks", "hours"),
    [
        (24, [], 24),
        (24, [1, 2, 4, 7, 20, 22, 23], 13),
        (24, [hour + 0.5 for hour in range(24)], 0),
        (24, [3, 5.9, 8, 10, 12, 14, 16, 18, 20, 22], 3),
        (2, [1], 0),
        (2, [0.4], 1.6),
        (1, [], 1),
        (1, [0.1], 0),
        (0, [], 0),
    ],
)
async def test_only_a_stretch_that_the_plan_of_checks_does_not_allow_is_long(
    database: Database, promised: int, checks: list[float], hours: float
) -> None:
    assert await _longest(database, promised, checks) == pytest.approx(hours)


@pytest.mark.parametrize("check", [{"verdict": Verdict.UNKNOWN}, {"compared": False}])
async def test_a_check_without_a_result_does_not_count(
    database: Database, check: dict[str, object]
) -> None:
    assert await _longest(database, 2, [1], **check) == pytest.approx(2)


async def test_a_placement_without_a_post_has_no_stretch(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.approved(session, promised_hours=2)
        assert not await unchecked_time.longest(session, target_id=made.target.id, ends_at=None)
