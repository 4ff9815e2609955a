"""Test what a check proves if an edit of an ad's media has succeeded."""

import pytest
from sqlalchemy import text

from db.models.posting import AdPart, Verdict
from services.posts import verification
from services.posts.media_comparison import EDITED_ONCE, NOT_COMPARED
from tests.conftest import Database
from tests.factories import breakage, people, rows

NOT_MODIFIED = "400: Bad Request: message is not modified"


async def _posted(database: Database, kind: str) -> int:
    """Publish an ad of this kind, and return the id of its post job."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=24)
    await database.as_owner(breakage.UNFROZEN)
    await database.as_owner(
        "UPDATE campaigns SET creative = creative || jsonb_build_object('kind', $1::text)"
        " WHERE id = $2",
        kind,
        made.campaign.id,
    )
    async with database.sessions.begin() as session:
        job_id: int = await rows.one(
            session,
            "SELECT id FROM post_jobs WHERE campaign_target_id = :target_id",
            target_id=made.target.id,
        )
        return job_id


async def _check(database: Database, job_id: int, evidence: str, *, compared: bool = True) -> str:
    """Record a check that found the post present, and return the recorded verdict."""
    async with database.sessions.begin() as session:
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence=evidence, compared=compared
        )
        last = text("SELECT verdict FROM post_checks ORDER BY id DESC LIMIT 1")
        return str(await session.scalar(last))


@pytest.mark.parametrize(
    ("other_kind", "compared", "verdict"),
    [("photo", True, "unknown"), ("video", True, "present"), ("photo", False, "present")],
)
async def test_media_that_change_twice_are_doubtful_if_telegram_compares_this_kind(
    database: Database, other_kind: str, *, compared: bool, verdict: str
) -> None:
    doubtful = f"{NOT_MODIFIED}; {NOT_COMPARED}"
    job_id = await _posted(database, "photo")
    assert await _check(database, job_id, doubtful) == "present"
    other_id = await _posted(database, other_kind)
    assert await _check(database, other_id, NOT_MODIFIED, compared=compared) == "present"
    assert await _check(database, job_id, doubtful) == verdict
    assert await _check(database, job_id, NOT_MODIFIED) == "present"


async def test_texts_with_a_link_preview_are_a_kind_of_their_own(database: Database) -> None:
    job_id, plain_id = await _posted(database, "text"), await _posted(database, "text")
    await database.as_owner(
        "UPDATE campaigns SET creative = creative || '{\"link_preview\": {}}' WHERE id ="
        " (SELECT t.campaign_id FROM campaign_targets t JOIN post_jobs j"
        " ON j.campaign_target_id = t.id WHERE j.id = $1)",
        job_id,
    )
    assert await _check(database, plain_id, NOT_MODIFIED) == "present"
    assert await _check(database, job_id, NOT_COMPARED) == "present"
    assert await _check(database, job_id, NOT_MODIFIED) == "present"
    assert await _check(database, job_id, NOT_COMPARED) == "unknown"


@pytest.mark.parametrize("compares", [True, False])
@pytest.mark.parametrize("parts", [["media"], ["media", "text"]])
async def test_media_that_were_restored_once_count_if_telegram_compares_this_kind(
    database: Database, parts: list[str], *, compares: bool
) -> None:
    other_id = await _posted(database, "photo" if compares else "video")
    assert await _check(database, other_id, NOT_MODIFIED) == "present"
    job_id = await _posted(database, "photo")
    async with database.sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=job_id,
            verdict=Verdict.ALTERED,
            evidence=f"{EDITED_ONCE}: 429: Too Many Requests",
            altered_parts=[AdPart(part) for part in parts],
        )
        certain = parts if compares else [part for part in parts if part != "media"]
        [check] = await rows.table(
            session,
            "SELECT verdict, altered_parts FROM post_checks WHERE post_job_id = :id",
            id=job_id,
        )
        assert tuple(check) == ("altered" if certain else "unknown", certain)
        told = await rows.table(
            session, "SELECT payload->'parts' FROM outbox WHERE kind = 'post_altered'"
        )
        assert [row[0] for row in told] == ([certain] * 2 if certain else [])
