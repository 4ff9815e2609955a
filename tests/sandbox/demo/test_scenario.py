"""Test the demo with real processes (E1): an ad is bought, approved, published and paid."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sandbox.demo import books, launcher, restarts, steps
from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Control
from sandbox.demo.scenario import Scenario, StepResult, create_participants, seed_participants

SEED_REPORTS = Path(__file__).with_name("seed_reports.sql")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[launcher.RunningSandbox]:
    """Start one sandbox for all tests of this module."""
    running = asyncio.run(launcher.start(tmp_path_factory.mktemp("e1")))
    try:
        yield running
    finally:
        status = asyncio.run(running.stop())
    assert status == 0


@pytest.fixture(scope="module")
def step_results(world: launcher.RunningSandbox) -> list[StepResult]:
    """Run the fourteen steps, and return their results."""

    async def run_steps() -> list[StepResult]:
        control = Control.of(world.facts)
        async with control.session:
            scenario = Scenario(
                control, _books(world), await seed_participants(control, world.facts)
            )
            return [await step.act(scenario) for step in steps.STEPS]

    return asyncio.run(run_steps())


def _books(world: launcher.RunningSandbox) -> DemoDatabase:
    return DemoDatabase(world.facts["database_url"])


async def test_E1_an_ad_is_bought_moderated_posted_once_and_paid_for(  # noqa: N802 - the specification's name
    world: launcher.RunningSandbox, step_results: list[StepResult]
) -> None:
    assert len(step_results) == 14
    rows = await _books(world).rows(
        """
        SELECT t.status AS target, e.status AS escrow, j.status AS job, j.claim_no, j.attempts,
            array_agg(l.reason || ' ' || l.amount ORDER BY l.id) AS moved
        FROM campaign_targets t
        JOIN escrows e ON e.campaign_target_id = t.id
        JOIN post_jobs j ON j.campaign_target_id = t.id
        JOIN ledger_entries l ON l.reference_id = t.id AND l.reason <> 'deposit'
        GROUP BY t.id, e.id, j.id
        """
    )
    assert len(rows) == 1
    moved = set(rows[0].pop("moved"))
    assert rows[0] == {
        "target": "posted",
        "escrow": "released",
        "job": "success",
        "claim_no": 1,
        "attempts": 0,
    }
    assert moved == {
        "escrow_hold -5000",
        "escrow_hold 5000",
        "escrow_release -5000",
        "payout 4500",
        "fee 500",
    }


@pytest.mark.mostly_waits
async def test_E1_with_the_scheduler_killed_between_every_two_steps(  # noqa: N802 - the specification's name
    world: launcher.RunningSandbox, step_results: list[StepResult]
) -> None:
    assert step_results  # these steps come first, with other people
    control, database = Control.of(world.facts), _books(world)
    async with control.session:
        cast = await create_participants(control, world.facts, "with restarts")
        scenario = Scenario(control, database, cast)
        pids = set()
        for step in steps.STEPS:
            await step.act(scenario)
            pids.add(world.facts["processes"]["scheduler"])
            await restarts.kill(control, database, "scheduler")
        published = await control.get("/published", chat_id=cast.channel.id)
    assert len(pids) == len(steps.STEPS)
    assert len(published["published"]) == 1
    jobs = await database.rows("SELECT status FROM post_jobs")
    assert jobs == [{"status": "success"}] * 2


@pytest.mark.parametrize("check", books.INVARIANTS + books.UNIQUENESS, ids=lambda check: check.name)
async def test_nothing_offends(
    world: launcher.RunningSandbox, step_results: list[StepResult], check: books.Check
) -> None:
    assert step_results
    result = await _books(world).check(check)
    assert result.offending == 0
    assert result.checked_rows > 0


NOTHING = (
    "escrow_uniqueness",
    "job_uniqueness",
    "drift",
    "held",
    "failed_jobs",
    "unpaid_releases",
)
COUNTS = {
    "counts_campaigns": "campaign_count",
    "counts_targets": "target_count",
    "counts_escrows": "escrow_count",
    "counts_jobs": "postjob_count",
}
DISTRIBUTIONS = {
    "campaign_statuses": "active",
    "job_statuses": "success",
    "escrow_statuses": "released",
}
AUDITS = ("audit", "audit_recent")
HARMFUL = ("break_a_balance", "clean_up_a_campaign")


def _seed(name: str) -> str:
    """Return a statement of `seed_reports.sql` with this database's column names."""
    blocks = re.split(r"^-- name: (\w+)$", SEED_REPORTS.read_text(), flags=re.MULTILINE)
    literal = dict(zip(blocks[1::2], blocks[2::2], strict=True))
    sql = re.sub(
        r'"?\b([a-z]+(?:[A-Z][a-z]+)+)\b"?',
        lambda found: re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", found[1]),
        literal[name],
    )
    return _qualified(sql) if name == "week" else sql


def _qualified(sql: str) -> str:
    """Add table names to the columns of the weekly report."""
    for pattern, qualified in (
        (r"\bcreated_at\b", "campaigns.created_at"),
        (r"\bstatus = '(active|draft)'", r"campaigns.status = '\1'"),
        (r"\bstatus = '(posted|approved)'", r"campaign_targets.status = '\1'"),
        (r"THEN id\b", "THEN campaigns.id"),
        (r"THEN campaign_id\b", "THEN campaign_targets.campaign_id"),
    ):
        sql = re.sub(pattern, qualified, sql)
    return sql


async def _report(world: launcher.RunningSandbox, name: str) -> Rows:
    return await _books(world).rows(_seed(name))


@pytest.mark.parametrize("name", NOTHING)
async def test_seed_report_must_return_no_row(
    world: launcher.RunningSandbox, step_results: list[StepResult], name: str
) -> None:
    assert step_results
    assert await _report(world, name) == []


async def test_seed_ledger_report_is_valid_in_every_row(
    world: launcher.RunningSandbox, step_results: list[StepResult]
) -> None:
    assert step_results
    rows = await _report(world, "ledger")
    assert len(rows) > 4
    assert {row["is_valid"] for row in rows} == {True}
    assert any(row["ledger_count"] for row in rows)


async def test_seed_corruption_count_is_zero(
    world: launcher.RunningSandbox, step_results: list[StepResult]
) -> None:
    assert step_results
    assert await _report(world, "corrupted") == [{"count": 0}]


@pytest.mark.parametrize("name", COUNTS)
async def test_seed_count_is_what_was_made(
    world: launcher.RunningSandbox, step_results: list[StepResult], name: str
) -> None:
    assert step_results
    stories = await _books(world).row("SELECT COUNT(*) FROM channels")
    assert await _report(world, name) == [{COUNTS[name]: stories["count"]}]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
async def test_seed_distribution(
    world: launcher.RunningSandbox, step_results: list[StepResult], name: str
) -> None:
    assert step_results
    assert [row["status"] for row in await _report(world, name)] == [DISTRIBUTIONS[name]]


@pytest.mark.parametrize("name", AUDITS)
async def test_seed_audit_has_the_main_actions(
    world: launcher.RunningSandbox, step_results: list[StepResult], name: str
) -> None:
    assert step_results
    actions = {row["action"] for row in await _report(world, name)}
    assert actions >= {"campaign_activated", "target_submitted", "moderation_approved"}


async def test_seed_week_summary_counts_what_was_posted(
    world: launcher.RunningSandbox, step_results: list[StepResult]
) -> None:
    assert step_results
    rows = await _report(world, "week")
    made = sum(row["active_campaigns"] for row in rows)
    assert made == sum(row["posted_targets"] for row in rows) >= 1
    assert sum(row["draft_campaigns"] + row["approved_targets"] for row in rows) == 0


@pytest.mark.parametrize("name", HARMFUL)
async def test_what_the_seeds_break_by_hand_the_application_cannot(
    world: launcher.RunningSandbox, step_results: list[StepResult], name: str
) -> None:
    assert step_results
    connection = await asyncpg.connect(world.facts["database_url"])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_seed(name))
    finally:
        await connection.close()


def test_every_seed_report_is_looked_at() -> None:
    names = set(re.findall(r"^-- name: (\w+)$", SEED_REPORTS.read_text(), flags=re.MULTILINE))
    looked_at = {"ledger", "corrupted", "week", *NOTHING, *COUNTS, *DISTRIBUTIONS, *AUDITS}
    assert names == looked_at | set(HARMFUL)
