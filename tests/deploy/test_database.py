"""Test that deploy/database.sql makes a database in which the product works."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from sandbox import binaries, embedded, logins, processes

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy/database.sql"
CREATED = (logins.OWNER, *logins.JOBS)
"""The roles that get a password."""
PASSWORDS = {role: f'it\'s a "password" with $signs and \\ of {role}' for role in CREATED}
MEMBERSHIPS = """
    SELECT m.rolname, r.rolname, a.admin_option, a.inherit_option
    FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
    WHERE m.rolname LIKE 'adtech\\_%' ORDER BY 1, 2
"""
ACCESS = "SELECT datacl::text, pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'adtech'"
POWERS = """
    SELECT rolname FROM pg_roles WHERE rolname LIKE 'adtech\\_%' AND rolname <> 'adtech_superuser'
    AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
"""
LIMITS = """
    SELECT name, setting FROM pg_settings WHERE name IN
    ('transaction_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout') ORDER BY 1
"""


async def rows(dsn: str, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    """Return the rows of one query on a new connection."""
    connection = await asyncpg.connect(dsn, **options)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def drop_everything(server: embedded.Postgres) -> None:
    """Drop the roles and the database of the sandbox."""
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute("DROP DATABASE IF EXISTS adtech")
        for role in (logins.OWNER, *logins.LOGINS):
            await connection.execute(f"DROP ROLE IF EXISTS {role}")
    finally:
        await connection.close()


def run_script(
    server: embedded.Postgres, passwords: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run deploy/database.sql as the administrator of a server."""
    variables = {f"{role.upper()}_PASSWORD": password for role, password in passwords.items()}
    return subprocess.run(
        [binaries.postgres("psql"), "--no-psqlrc", "--file", SCRIPT, "postgres"],
        env=variables
        | {
            "PATH": os.defpath,
            "PGHOST": str(server.socket_folder),
            "PGUSER": embedded.SUPERUSER,
            "PGPASSWORD": server.passwords[embedded.SUPERUSER],
        },
        capture_output=True,
        text=True,
        check=False,
    )


def login_of(server: embedded.Postgres, role: str) -> dict[str, str]:
    """Return the arguments with which a role connects with its password of PASSWORDS."""
    return {"user": role, "password": PASSWORDS[role], "host": str(server.socket_folder)}


async def migrate(folder: Path, dsn: str) -> None:
    """Run all migrations as the owner of the tables."""
    child = processes.spawn(
        [sys.executable, *processes.module("sandbox.prepare")],
        name="migrate",
        cwd=folder,
        env={"PATH": os.defpath, "MIGRATION_DATABASE_URL": dsn},
        log=folder / "migrate.log",
    )
    assert await child.wait(120) == 0, (folder / "migrate.log").read_text()


async def test_the_script_makes_the_roles_that_the_product_needs(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)  # noqa: ASYNC240 - PostgreSQL may run as another user
    async with embedded.postgres(tmp_path / "postgres", durable=False) as server:
        administrator = server.dsn(embedded.SUPERUSER, "postgres")
        of_sandbox = [await rows(administrator, sql) for sql in (MEMBERSHIPS, ACCESS)]
        await drop_everything(server)

        refused = run_script(server, {})
        assert refused.returncode != 0
        assert await rows(administrator, MEMBERSHIPS) == []

        ran = run_script(server, PASSWORDS)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert [await rows(administrator, sql) for sql in (MEMBERSHIPS, ACCESS)] == of_sandbox
        assert await rows(administrator, POWERS) == []
        for role in logins.JOBS:
            login = login_of(server, role)
            assert await rows("postgresql:///adtech", LIMITS, **login) == [
                ("idle_in_transaction_session_timeout", "15000"),
                ("lock_timeout", "10000"),
                ("transaction_timeout", "30000"),
            ]
        can_log_in = "SELECT rolname FROM pg_roles WHERE NOT rolcanlogin AND rolname = 'adtech_app'"
        assert await rows(administrator, can_log_in) == [(logins.APP,)]

        # The sandbox's address has no place for the characters of PASSWORDS.
        plain = "ALTER ROLE adtech_owner PASSWORD 'plain'"
        await rows(administrator, plain)
        address = f"postgresql://adtech_owner:plain@/adtech?host={server.socket_folder}"
        await migrate(tmp_path, address)
        switches = "SELECT count(*) > 0, bool_or(enabled) FROM kill_switches"
        login = login_of(server, logins.BOT)
        assert await rows("postgresql:///adtech", switches, **login) == [(True, False)]


def test_the_page_quotes_the_script() -> None:
    quoted = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL)
    assert SCRIPT.read_text() in quoted
