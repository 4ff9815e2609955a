"""Test installations whose hosting provider chooses the names of the database roles."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from db import role_names
from db.session import create_engine, create_sessions
from migrations import functions
from sandbox import embedded
from services.platform import guards
from tests.conftest import Database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import books, launch_walk
from tests.handlers.marketplace import open_marketplace

PREFIXED = {job: f"acme-{job}" for job in role_names.JOBS}
SINGLE = dict.fromkeys(role_names.JOBS, "acme_everything")


def as_setting(names: Mapping[str, str]) -> str:
    return ",".join(f"{job}={name}" for job, name in names.items())


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@dataclass(frozen=True)
class Hoster:
    """A database whose roles have other names, without the rights of a superuser."""

    server: embedded.Postgres
    names: Mapping[str, str]
    database: str

    def url(self, job: str) -> str:
        """Return the address for the login of a job."""
        user = quote(self.names[job])
        return f"postgresql://{user}:secret@/{self.database}?host={self.server.socket_folder}"

    async def migrate(
        self, target: str = "head", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the migrations up or down to `target` as the owner of the tables."""
        return await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-m",
                "alembic",
                "downgrade" if target == "-1" else "upgrade",
                target,
            ],
            cwd=functions.ROOT,
            env=os.environ | {"MIGRATION_DATABASE_URL": self.url("owner")} | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    @asynccontextmanager
    async def opened(self, job: str) -> AsyncIterator[Database]:
        """Open the database with the login of a job. At the end, assert all invariants."""
        engine = create_engine(self.url(job))
        try:
            yield Database(create_sessions(engine), self.url(job), self.url("owner"))
            async with create_sessions(engine).begin() as session:
                await books.assert_invariants(session)
        finally:
            await engine.dispose()


async def _create(server: embedded.Postgres, names: Mapping[str, str], database: str) -> None:
    """Create the roles and the database as a hoster does."""
    superuser = server.dsn(embedded.SUPERUSER, "postgres")
    owner, logins = names["owner"], [names[job] for job in role_names.JOBS if job != "owner"]
    roles = {f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'secret'" for name in names.values()}
    await run(superuser, *roles)
    if not role_names.is_single(names):
        jobs = ", ".join(f'"{name}"' for name in logins[1:])
        limits = ("idle_in_transaction_session_timeout", "transaction_timeout")
        await run(
            superuser,
            f'GRANT {jobs} TO "{logins[0]}"',
            f'GRANT pg_signal_backend, pg_read_all_stats TO "{owner}"',
            *(f"ALTER ROLE \"{name}\" SET {limit} = '120s'" for name in logins for limit in limits),
        )
    await run(superuser, f'CREATE DATABASE {database} OWNER "{owner}" TEMPLATE template0')


@pytest.fixture(scope="module", params=["prefixed", "single"])
def hoster(server: embedded.Postgres, request: pytest.FixtureRequest) -> Iterator[Hoster]:
    names = PREFIXED if request.param == "prefixed" else SINGLE
    hosted = Hoster(server, names, f"hosted_{request.param}")
    asyncio.run(_create(server, names, hosted.database))
    done = asyncio.run(hosted.migrate(DATABASE_ROLES=as_setting(names)))
    assert done.returncode == 0, done.stderr
    yield hosted
    asyncio.run(drop_database(server, hosted.database))
    drops = [f'DROP OWNED BY "{name}"; DROP ROLE "{name}"' for name in {*names.values()}]
    asyncio.run(run(server.dsn(embedded.SUPERUSER, "postgres"), *drops))


@pytest.mark.parametrize("job", ["owner", "app", "bot", "clock", "reports"])
async def test_the_guards_are_those_of_the_release(hoster: Hoster, job: str) -> None:
    engine = create_engine(hoster.url(job))
    async with create_sessions(engine).begin() as session:
        assert await guards.compare(session) == []
    await engine.dispose()


async def test_a_fault_is_named_with_the_names_of_the_installation(hoster: Hoster) -> None:
    if role_names.is_single(hoster.names):
        fault, name = (
            "ALTER TABLE wallets DISABLE TRIGGER moved_by_entries",
            "wallets.moved_by_entries",
        )
    else:
        fault, name = 'GRANT UPDATE ON wallets TO "acme-bot"', 'UPDATE ON wallets TO "acme-bot"'
    await run(hoster.url("owner"), fault)
    async with hoster.opened("app") as database, database.sessions.begin() as session:
        (found,) = await guards.compare(session)
    assert (found.name, found.freezes) == (name, True)
    await run(hoster.url("owner"), found.repair)
    async with hoster.opened("app") as database, database.sessions.begin() as session:
        assert await guards.compare(session) == []


async def test_an_ad_is_bought_by_buttons_and_a_launch_walks_to_its_end(
    hoster: Hoster, tmp_path: Path
) -> None:
    async with hoster.opened("app") as database:
        walk = await launch_walk.start(database)
        await walk.pass_all()
        await walk.sign_all()
        assert (await walk.read()).is_signed
        async with open_marketplace(database, tmp_path) as market:
            await market.make_campaign()
            assert await market.value("SELECT count(*) FROM campaigns WHERE status = 'active'") >= 1


async def test_a_later_migration_knows_the_names(hoster: Hoster) -> None:
    # On the way down, the names are lost with the function that knows them.
    for target, settings in {
        "head": {},
        "-1": {},
        "heads": {"DATABASE_ROLES": as_setting(hoster.names)},
    }.items():
        done = await hoster.migrate(target, **settings)
        assert done.returncode == 0, done.stderr
    other = await hoster.migrate(DATABASE_ROLES="bot=somebody")
    assert (other.returncode, other.stderr.count("\n")) == (2, 1), other.stderr
    assert other.stderr.startswith("DATABASE_ROLES: this database was migrated with owner=acme")


async def test_a_role_that_does_not_exist_is_named(server: embedded.Postgres) -> None:
    await clone_database(server, "template0", "hosted_empty")
    empty = Hoster(server, dict(role_names.USUAL), "hosted_empty")
    url = server.dsn(embedded.OWNER, "hosted_empty")
    done = await empty.migrate(
        MIGRATION_DATABASE_URL=url, DATABASE_ROLES="bot=no body,clock=nobody"
    )
    assert (done.returncode, done.stderr) == (
        2,
        "DATABASE_ROLES: these roles do not exist: no body, nobody\n",
    )
    done = await empty.migrate(MIGRATION_DATABASE_URL=url, DATABASE_ROLES="bot")
    assert done.stderr.startswith("DATABASE_ROLES: must have behind bot= a name")
    await drop_database(server, "hosted_empty")
