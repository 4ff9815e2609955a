"""Test the commands `adtech launch`."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from db.models.users import Role
from sandbox import embedded
from services.market import staff_requests
from services.platform import users
from services.platform.actors import Actor
from tests.conftest import Database, checked_database
from tests.factories import people, presses, rows
from tests.kept_databases import KeptDatabases
from tests.shell import Answer, Shell, shell_of


@pytest.fixture
async def fresh(kept_databases: KeptDatabases) -> AsyncIterator[Database]:
    """Yield a database with stopped switches."""
    async with checked_database(kept_databases, embedded.DATABASE) as database:
        yield database


@pytest.fixture
async def shell(fresh: Database) -> AsyncIterator[Shell]:
    """Yield a shell beside a health page that says that all is well."""

    async def ready(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "database": True, "switches": {"payouts": "enabled"}})

    app = web.Application()
    app.router.add_get("/api/health/ready", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = shell_of(fresh)
    made.environment["HTTP_PORT"] = str(runner.addresses[0][1])
    yield made
    await runner.cleanup()


async def telegram_id(database: Database, who: Actor) -> int:
    """Return the Telegram id of a person."""
    async with database.sessions.begin() as session:
        return (await users.get(session, who.user_id or 0)).telegram_id


@pytest.fixture
async def operator(fresh: Database) -> int:
    """Return the Telegram id of an operator."""
    async with fresh.sessions.begin() as session:
        who = await people.staff(session, Role.OPERATOR)
    return await telegram_id(fresh, who)


async def next_phase(shell: Shell, fresh: Database, operator: int) -> Answer:
    """Begin the next phase with the command: ask, press "That was me", and run it again."""
    command = ("launch", "next", "--as", operator)
    asked = await shell.adtech(*command)
    assert asked.status == 0, asked.said
    await acknowledge(fresh)
    return await shell.adtech(*command)


async def acknowledge(fresh: Database) -> None:
    """Let the person of the newest request press "That was me"."""
    async with fresh.sessions.begin() as session:
        request_id, user_id = (
            await rows.table(
                session, "SELECT id, requested_by FROM staff_requests ORDER BY id DESC LIMIT 1"
            )
        )[0]
        who = Actor(user_id, frozenset({Role.OPERATOR}), in_admin_chat=True)
        pressed = await presses.press(session, who, f"request:mine:{request_id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=request_id)


async def test_a_command_counts_after_its_persons_press(
    shell: Shell, fresh: Database, operator: int
) -> None:
    command = ("launch", "next", "--as", operator)
    asked, again = [await shell.adtech(*command) for _ in range(2)]
    assert (asked.status, again.status) == (0, 0)
    assert f"{operator} has to press “That was me” in the admin chat" in asked.out
    assert "still waits for “That was me”" in again.out
    for ran in (asked, again):
        assert ran.out.endswith("run the same command again: it checks the launch.\n")
    async with fresh.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM launch_runs") == 0
        assert await rows.one(session, "SELECT count(*) FROM staff_requests") == 1
        other = await people.staff(session, Role.OPERATOR)
    await acknowledge(fresh)
    await fresh.as_owner("UPDATE inbox SET done_at = clock()")
    colleague = await shell.adtech("launch", "next", "--as", await telegram_id(fresh, other))
    assert (colleague.status, "has to press" in colleague.out) == (0, True)
    ran = await shell.adtech(*command)
    assert (ran.status, "This phase has passed" in ran.out) == (0, True)


async def test_a_press_counts_for_three_days(shell: Shell, fresh: Database, operator: int) -> None:
    command = ("launch", "next", "--as", operator)
    await shell.adtech(*command)
    await acknowledge(fresh)
    await fresh.forward(timedelta(hours=72))
    ran = await shell.adtech(*command)
    assert (ran.status, "Request 2 waits" in ran.out) == (0, True)


async def test_the_launch_is_shown_begun_and_checked(
    shell: Shell, fresh: Database, operator: int
) -> None:
    ran = await shell.adtech("launch", "status")
    assert (ran.status, "not begun" in ran.out) == (0, True)
    assert ran.out.endswith("\nadtech launch next --as ID\n")
    ran = await shell.adtech("launch", "check", "--as", operator)
    assert (ran.status, "Begin phase 0" in ran.err) == (1, True)
    ran = await next_phase(shell, fresh, operator)
    assert (ran.status, "This phase has passed" in ran.out) == (0, True)
    assert ran.out.endswith("\nadtech launch next --as ID\n")
    ran = await shell.adtech("launch", "check", "--as", operator)
    assert (ran.status, "Phase 0 has passed already" in ran.err) == (1, True)
    ran = await next_phase(shell, fresh, operator)
    assert (ran.status, "❌ a scheduler is alive" in ran.out) == (1, True)
    assert ran.out.endswith("\nadtech launch check --as ID\n")
    again = await shell.adtech("launch", "check", "--as", operator)
    assert (again.status, "❌ a scheduler is alive" in again.out) == (1, True)
    ran = await shell.adtech("launch", "next", "--as", operator)
    assert (ran.status, "processes_alive" in ran.err) == (1, True)
    ran = await shell.adtech("launch", "status")
    assert (ran.status, "✅ the bot's health page" in ran.out) == (0, True)


async def test_a_bot_that_does_not_answer_is_found(
    shell: Shell, fresh: Database, operator: int
) -> None:
    shell.environment["HTTP_PORT"] = "1"
    await next_phase(shell, fresh, operator)
    ran = await next_phase(shell, fresh, operator)
    assert ran.status == 1
    assert "Found: no answer" in ran.out


async def test_the_command_names_the_switch_to_run(
    shell: Shell, operator: int, fresh: Database
) -> None:
    await fresh.as_owner("INSERT INTO heartbeats (owner, name) VALUES ('s', 'scheduler')")
    for _ in range(3):
        ran = await next_phase(shell, fresh, operator)
    assert ran.status == 1
    assert 'adtech killswitch run deposits "launch" --as ID' in ran.out


async def test_the_command_names_the_switches_to_stop(
    shell: Shell, operator: int, fresh: Database
) -> None:
    await fresh.as_owner("UPDATE kill_switches SET enabled = true WHERE key = 'refunds'")
    ran = await next_phase(shell, fresh, operator)
    assert ran.status == 1
    stop, again = ran.out.splitlines()[-2:]
    assert stop == 'adtech killswitch stop refunds "launch" --as ID'
    assert again == "adtech launch check --as ID"
    assert "killswitch run" not in ran.out


async def test_only_operators_check(shell: Shell, fresh: Database) -> None:
    async with fresh.sessions.begin() as session:
        admin = await people.staff(session, Role.ADMIN)
    ran = await shell.adtech("launch", "next", "--as", await telegram_id(fresh, admin))
    assert ran.status == 1
    ran = await shell.adtech("launch", "status")
    assert "not begun" in ran.out


async def test_the_criteria_of_a_rollback_are_shown_with_their_limits(fresh: Database) -> None:
    await fresh.as_owner("INSERT INTO failure_counts VALUES ('deadlock', now(), 3)")
    met = await Shell({"DATABASE_URL": fresh.url}).adtech("launch", "criteria", "--csv")
    assert (met.status, "deadlocks,3,3,true" in met.out.splitlines()) == (1, True), met.said
    changed = {"DATABASE_URL": fresh.url, "ROLLBACK_LIMITS": "deadlocks=5"}
    below = await Shell(changed).adtech("launch", "criteria", "--csv")
    assert (below.status, "deadlocks,3,5,false" in below.out.splitlines()) == (0, True), below.said
    wrong = await Shell(changed | {"ROLLBACK_LIMITS": "x"}).adtech("launch", "criteria")
    assert (wrong.status, wrong.err.count("\n")) == (2, 1), wrong.said
    assert wrong.err.startswith("settings: ROLLBACK_LIMITS must have only these names: conflicts")
