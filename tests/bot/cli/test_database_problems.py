"""Test that an error of the database says what to do, in the words of the command line."""

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.cli import database_problems
from tests.conftest import Database
from tests.shell import Shell


async def _staff(shell: Shell, url: object) -> str:
    shell.environment["DATABASE_URL"] = str(url)
    ran = await shell.adtech("staff")
    assert (ran.status, ran.out) == (3, "")
    assert "Traceback" not in ran.err
    return ran.err


async def test_each_problem_has_its_own_advice(database: Database, shell: Shell) -> None:
    url = make_url(database.url)
    for wrong, problem in (
        (url.set(password="wrong"), "PostgreSQL refuses the login. Correct user, password and"),
        (url.set(database="nowhere"), "PostgreSQL has no such database. Correct the name in"),
    ):
        said = await _staff(shell, wrong.render_as_string(hide_password=False))
        assert said.startswith(problem)
        assert " in DATABASE_URL" in said
    said = await _staff(shell, "postgresql://u:secret@127.0.0.1:1/adtech")
    assert said.startswith("The database did not answer. Check that PostgreSQL runs")
    assert "secret" not in said
    await database.as_owner("ALTER TABLE user_roles RENAME TO roles_of_users")
    said = await _staff(shell, database.url)
    assert said.startswith("The database does not fit this version.")


async def test_a_missing_right_names_the_setting(database: Database, shell: Shell) -> None:
    await database.as_owner("REVOKE SELECT ON user_roles FROM adtech_bot")
    await database.as_owner("REVOKE SELECT ON user_roles FROM adtech_clock")
    await database.as_owner("REVOKE SELECT ON user_roles FROM adtech_reports")
    said = await _staff(shell, database.url)
    assert said.startswith("The login of DATABASE_URL may not do this.")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (asyncpg.DiskFullError, "The disk of PostgreSQL is full, so nothing can be saved. Free"),
        (asyncpg.ReadOnlySQLTransactionError, "PostgreSQL is read-only, so nothing can be saved."),
        (asyncpg.TooManyConnectionsError, "PostgreSQL has no free connection. End sessions"),
    ],
)
def test_a_server_that_cannot_save_is_named(
    error: type[asyncpg.PostgresError], advice: str
) -> None:
    said = database_problems.explain(error("of the server"), "DATABASE_URL")
    assert said.startswith(advice)
    assert said.endswith("Then repeat the command. (" + error.__name__ + ": of the server)")
