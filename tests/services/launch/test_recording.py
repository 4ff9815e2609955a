"""Test that the database itself refuses false results of the launch."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.callbacks import BESIDE
from bot.operator_callbacks import LaunchAct, OnLaunch
from db.models.users import RequestKind, Role
from sandbox import embedded, logins
from services.launch.steps import SIGNERS, STEPS
from services.market import staff_requests
from services.platform.actors import Actor
from tests.db.refused import refused_state
from tests.factories import people, presses
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


async def test_a_check_needs_its_persons_own_press(walk: Walk, server: embedded.Postgres) -> None:
    name = make_url(walk.database.url).database or ""
    bot = await asyncpg.connect(server.dsn(logins.BOT, name))
    operator = walk.operator
    record = (
        f"SELECT record_launch_check('switch_rows', true, '{{}}', {operator.user_id}, NULL, NULL)"
    )
    async with walk.database.sessions.begin() as session:
        other = await people.staff(session, Role.OPERATOR)
        for who, act, phase in (
            (other, LaunchAct.CHECK, 0),
            (operator, LaunchAct.SHOW, 0),
            (operator, LaunchAct.NEXT, 1),
        ):
            await presses.press(session, who, OnLaunch(act=act, phase=phase).pack())
    assert await refused_state(bot, record) == "AD188"
    for act in (LaunchAct.CHECK, LaunchAct.NEXT):
        async with walk.database.sessions.begin() as session:
            await presses.press(session, operator, BESIDE + OnLaunch(act=act).pack())
        assert await refused_state(bot, record) is None
        await walk.database.as_owner("UPDATE inbox SET done_at = clock()")
        assert await refused_state(bot, record) == "AD188"
    await bot.close()


async def test_a_request_from_a_shell_counts_for_its_person_phase_and_three_days(
    walk: Walk, server: embedded.Postgres
) -> None:
    name = make_url(walk.database.url).database or ""
    bot = await asyncpg.connect(server.dsn(logins.BOT, name))
    record = "SELECT record_launch_check('switch_rows', true, '{{}}', {}, NULL, NULL)"
    async with walk.database.sessions.begin() as session:
        other = await people.staff(session, Role.OPERATOR)
    for who, phase in ((walk.operator, 1), (other, 0)):
        await acknowledge(walk, await ask(walk, who, phase), who)
    request_id = await ask(walk, walk.operator, 0)
    mine = record.format(walk.operator.user_id)
    assert await refused_state(bot, mine) == "AD188"
    assert await refused_state(bot, record.format(other.user_id)) is None
    await acknowledge(walk, request_id, walk.operator)
    assert await refused_state(bot, mine) is None
    await walk.database.forward(timedelta(hours=71, minutes=59))
    assert await refused_state(bot, mine) is None
    await walk.database.forward(timedelta(minutes=2))
    assert await refused_state(bot, mine) == "AD188"
    await bot.close()


async def ask(walk: Walk, who: Actor, phase: int) -> int:
    """Let a person type the command of a phase in a shell, and return the request's id."""
    async with walk.database.sessions.begin() as session:
        request = await staff_requests.create(
            session,
            actor=who,
            kind=RequestKind.LAUNCH,
            arguments={"phase": phase},
            reason="launch",
            from_shell=True,
        )
        return request.id


async def acknowledge(walk: Walk, request_id: int, who: Actor) -> None:
    """Let a person press "That was me", and let the bot handle the press."""
    async with walk.database.sessions.begin() as session:
        pressed = await presses.press(session, who, f"request:mine:{request_id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=request_id)
    await walk.database.as_owner("UPDATE inbox SET done_at = clock()")
