"""Test that the database itself refuses false results of the launch."""

import asyncpg
import pytest

from services.launch.steps import SIGNERS, STEPS
from tests.factories import presses
from tests.factories.launch_walk import Walk


async def test_the_database_has_the_same_steps(walk: Walk) -> None:
    connection = await asyncpg.connect(walk.database.owner_url)
    found = await connection.fetch("SELECT phase, name FROM launch_steps() ORDER BY number")
    await connection.close()
    assert [tuple(row) for row in found] == [(step.phase, step.name) for step in STEPS]


@pytest.mark.parametrize(
    ("step", "state"),
    [
        ("switch_rows", "AD096"),
        ("all_stopped", "AD097"),
        ("unknown", "AD097"),
        ("deployment_engineer", "AD097"),
    ],
)
async def test_the_database_refuses_results_out_of_order(walk: Walk, step: str, state: str) -> None:
    actor = "NULL" if state == "AD096" else str(walk.operator.user_id)
    await refuse(walk, step, passed=True, actor=actor, state=state)


async def test_the_database_refuses_a_signature_that_says_no(walk: Walk) -> None:
    await walk.pass_all()
    async with walk.database.sessions.begin() as session:
        pressed = await presses.press(session, walk.operator, f"launch_sign:{SIGNERS[0]}")
    await refuse(
        walk,
        SIGNERS[0],
        passed=False,
        actor=str(walk.operator.user_id),
        state="AD099",
        inbox=str(pressed.inbox_id),
    )


async def refuse(
    walk: Walk, step: str, *, passed: bool, actor: str, state: str, inbox: str = "NULL"
) -> None:
    """Call the database function, and assert that it refuses with this SQLSTATE."""
    connection = await asyncpg.connect(walk.database.url)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.execute(
            f"SELECT record_launch_check('{step}', {passed}, '{{}}', {actor}, {inbox}, NULL)"
        )
    await connection.close()
    assert refused.value.sqlstate == state


async def test_results_never_change(walk: Walk) -> None:
    await walk.pass_step(STEPS[0])
    for change in ("UPDATE launch_runs SET passed = false", "DELETE FROM launch_runs"):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await walk.database.as_owner(change)
        assert refused.value.sqlstate == "AD006"
