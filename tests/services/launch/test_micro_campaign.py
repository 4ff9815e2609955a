"""Test the launch whose first placement is cancelled on purpose."""

import pytest

from bot.screens import launch_findings
from bot.texts import Texts
from services.launch import gate
from services.launch.steps import STEPS
from services.platform import killswitches
from tests.factories import breakage
from tests.factories.launch_walk import Walk


def step(name: str) -> int:
    """Return the index of a check."""
    return next(number for number, each in enumerate(STEPS) if each.name == name)


def failed(launch: gate.Launch, phase: int) -> tuple[str, str]:
    """Return the first check of a phase that has not passed, and what it found."""
    state = launch.first_open(phase)
    assert state is not None
    return state.step.name, state.found


async def test_a_cancelled_post_is_refunded_and_another_placement_is_paid(walk: Walk) -> None:
    await walk.pass_all(before=STEPS[step("telegram_posting_running")])
    await walk.cancel()
    for name in ("telegram_posting_running", "worker_post_running"):
        await walk.pass_step(STEPS[step(name)])
    assert failed(await walk.go_on(4), 4) == ("post_outcome", "cancelled, held")
    await walk.refund()
    assert failed(await walk.go_on(4), 4) == ("payout_blocked", "due: 0")
    await walk.submit()
    await walk.approve()
    await walk.publish()
    assert (await walk.go_on(4)).first_open(4) is None
    for number in range(step("payouts_running"), step("deployment_engineer")):
        await walk.pass_step(STEPS[number])
    assert (await walk.read()).may_be_signed


async def test_a_placement_of_a_cancelled_campaign_does_not_count(walk: Walk) -> None:
    await walk.pass_all(before=STEPS[step("test_placement")])
    assert failed(await walk.read(), 2) == ("test_placement", "pending: 0")
    await walk.submit()
    await walk.cancel()
    assert failed(await walk.go_on(2), 2) == ("test_placement", "pending: 0")


@pytest.mark.parametrize("tester", ["advertiser", "owner"])
async def test_a_placement_of_a_tester_does_not_count(walk: Walk, tester: str) -> None:
    await walk.pass_all(before=STEPS[step("test_placement")])
    await walk.submit()
    await mark(walk, tester, is_tester=True)
    target_id = walk.deals[-1].target.id
    found = f"pending: 0, tester {target_id}"
    assert failed(await walk.go_on(2), 2) == ("test_placement", found)
    assert f"placement {target_id} does not count" in launch_findings.show(
        Texts("en", "USD"), found
    )
    await mark(walk, tester, is_tester=False)
    await walk.go_on(2)
    await walk.pass_all(before=STEPS[step("one_escrow_held")])
    await walk.approve()
    await mark(walk, tester, is_tester=True)
    held = f"escrows: 1, tester {target_id}"
    assert failed(await walk.go_on(3), 3) == ("one_escrow_held", held)


async def mark(walk: Walk, who: str, *, is_tester: bool) -> None:
    """Mark the advertiser or the owner of the newest placement as a tester, or take the mark."""
    person = getattr(walk.deals[-1], who).user_id
    await breakage.run_unguarded(
        walk.database, f"UPDATE users SET is_tester = {is_tester} WHERE id = {person}"
    )


async def test_a_repaired_incident_lets_the_launch_pass_after_the_time_of_watching(
    walk: Walk,
) -> None:
    await walk.pass_all(before=STEPS[step("watched")])
    async with walk.database.sessions.begin() as session:
        await killswitches.open_incident(session, kind="drill", details={})
    await walk.watch()
    assert failed(await walk.go_on(5), 5) == ("watched", "incidents: 1")
    await walk.database.as_owner(
        "ALTER TABLE incidents DISABLE TRIGGER USER;"
        " UPDATE incidents SET closed_at = clock(), opened_at = clock();"
        " ALTER TABLE incidents ENABLE TRIGGER USER"
    )
    assert failed(await walk.go_on(5), 5) == ("watched", "incidents: 1")
    await walk.watch()
    assert (await walk.go_on(5)).may_be_signed


async def test_the_time_of_watching_needs_a_check_of_the_ledger(walk: Walk) -> None:
    await walk.pass_all(before=STEPS[step("watched")])
    await walk.database.forward(walk.facts.watch)
    assert failed(await walk.go_on(5), 5) == ("watched", "ledger checks: 0")
