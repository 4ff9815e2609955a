"""Create the database roles of the tables' owner and of the application."""

from collections.abc import Mapping

import asyncpg

OWNER = "adtech_owner"
APP = "adtech_app"
INTAKE = "adtech_intake"
BOT = "adtech_bot"
CLOCK = "adtech_clock"
REPORTS = "adtech_reports"
REDIRECT = "adtech_redirect"
JOBS = (INTAKE, BOT, CLOCK, REPORTS, REDIRECT)
"""Database roles that each have the rights for one job of the application."""
LOGINS = (APP, *JOBS)
"""All database roles of the application. APP has the rights of all roles in JOBS."""

# Without these limits, a statement that hangs could hold locks and delay a stop of a kill switch.
_LIMITS = {
    "statement_timeout": "30s",
    "transaction_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
}


async def create(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    """Create the missing roles, and set time limits and memberships.

    `passwords` has a password for each role, made of letters, digits, hyphens and underscores.
    """
    for role in (OWNER, *LOGINS):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{passwords[role]}'")
    for role in LOGINS:
        for name, value in _LIMITS.items():
            await connection.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    await connection.execute(f"GRANT {', '.join(JOBS)} TO {APP}")
    # A stop of a kill switch ends sessions of these roles that hold its lock for too long.
    await connection.execute(f"GRANT pg_signal_backend TO {OWNER}")
    # Otherwise, the owner's role would not see how old the transactions of other logins are.
    await connection.execute(f"GRANT pg_read_all_stats TO {OWNER}")


async def restrict_connections(connection: asyncpg.Connection, database: str) -> None:
    """Allow only the owner's role and the application's roles to connect to a database."""
    await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    names = ", ".join((OWNER, *LOGINS))
    await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {names}')
