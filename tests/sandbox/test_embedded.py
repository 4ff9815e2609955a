"""Test how the sandbox's PostgreSQL and Valkey start and end."""

import asyncio
import ctypes
import os
import re
import signal
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from sandbox import embedded, logins
from sandbox.telegram.startup_errors import CannotStart
from tests.sandbox.embedded_parent import no_server_left, read_facts, rows, start_parent, until


async def test_the_database_is_ours_and_closed_to_others(folder: Path) -> None:
    async with embedded.postgres(folder / "postgres") as server:
        owner, app = server.dsn(embedded.OWNER), server.dsn(embedded.APP)
        assert await rows(owner, "SELECT current_user, current_database()") == [
            ("adtech_owner", "adtech")
        ]
        facts = (
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, pg_get_userbyid(datdba) "
            "FROM pg_database WHERE datname = 'adtech'"
        )
        assert await rows(app, facts) == [("UTF8", "b", "adtech_owner")]
        assert await rows(app, "SELECT 'Я' = upper('я')") == [(True,)]
        assert await rows(
            app,
            "SELECT name, setting FROM pg_settings WHERE name IN ('TimeZone', 'fsync') ORDER BY 1",
        ) == [("TimeZone", "UTC"), ("fsync", "on")]
        limits = (
            "SELECT setting FROM pg_settings WHERE name IN ('statement_timeout', "
            "'transaction_timeout', 'idle_in_transaction_session_timeout')"
        )
        for login in logins.LOGINS:
            assert await rows(server.dsn(login), limits) == [("30000",)] * 3
        for statement in (
            "CREATE TABLE public.mine ()",
            "CREATE TEMP TABLE mine ()",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            "SET ROLE adtech_owner",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await rows(app, statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await rows(server.dsn(embedded.APP, "postgres"), "SELECT 1")


async def test_nobody_enters_without_a_password(folder: Path) -> None:
    async with embedded.postgres(folder / "postgres", durable=False) as server:
        for role in (embedded.SUPERUSER, embedded.OWNER, *logins.LOGINS):
            for password in (None, "wrong", server.passwords[embedded.APP][::-1]):
                with pytest.raises(asyncpg.InvalidPasswordError):
                    await asyncpg.connect(
                        host=str(server.socket_folder),
                        user=role,
                        password=password,
                        database="adtech",
                        passfile=str(folder / "none"),
                    )


async def test_nothing_listens_on_the_network_and_files_are_private(folder: Path) -> None:
    outside = _modes(folder, folder.parent)
    async with (
        embedded.postgres(folder / "postgres", durable=False) as server,
        embedded.valkey(folder / "valkey") as valkey,
    ):
        for child in (server.child, valkey.child):
            own, network = _sockets(child.pid)
            assert own
            assert not own & network
    parts = [folder / name for name in ("postgres", "postgres/data", "valkey")]
    assert _modes(*parts) == [0o700] * 3
    assert {path.stat().st_uid for path in parts} == {os.geteuid()}
    names = ("postgres/passwords.json", "postgres/postgres.log", "valkey/valkey.log")
    assert _modes(*(folder / name for name in names)) == [0o600] * 3
    assert _modes(folder, folder.parent) == outside


def _modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def _sockets(pid: int) -> tuple[set[str], set[str]]:
    """Return the inodes of a process's sockets and of all network sockets."""
    links = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    tables = [Path(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6", "udp", "udp6")]
    lines = [line for table in tables for line in table.read_text().splitlines()[1:]]
    return own, {line.split()[9] for line in lines}


async def test_data_outlives_a_stop(folder: Path) -> None:
    async with embedded.postgres(folder / "postgres") as server:
        await rows(server.dsn(embedded.OWNER), "CREATE TABLE kept AS SELECT 42 AS answer")
        first = server.dsn(embedded.OWNER)
    async with embedded.valkey(folder / "valkey") as valkey, Redis.from_url(valkey.url) as redis:
        await redis.set("kept", "42")
    async with embedded.postgres(folder / "postgres") as server:
        assert server.dsn(embedded.OWNER) == first
        assert await rows(first, "SELECT answer FROM kept") == [(42,)]
    async with embedded.valkey(folder / "valkey") as valkey, Redis.from_url(valkey.url) as redis:
        assert await redis.get("kept") == b"42"


@pytest.mark.parametrize("service", [embedded.postgres, embedded.valkey])
async def test_a_second_server_on_one_folder_is_one_clear_error(
    folder: Path, service: Callable[[Path], AbstractAsyncContextManager[Any]]
) -> None:
    part = folder / ("postgres" if service is embedded.postgres else "valkey")
    async with service(part) as first:
        with pytest.raises(CannotStart, match=f"^already running in {re.escape(str(part))}$"):
            async with service(part):
                pass
        assert first.child.returncode is None


async def test_a_folder_that_cannot_be_is_one_clear_error(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(CannotStart, match=r"^cannot write in .*file/postgres: "):
        async with embedded.postgres(folder / "file/postgres"):
            pass


async def test_a_broken_cluster_is_one_clear_error(folder: Path) -> None:
    async with embedded.postgres(folder / "postgres", durable=False):
        pass
    (folder / "postgres/data/PG_VERSION").write_text("9.4\n")
    with pytest.raises(CannotStart, match=r"^PostgreSQL does not start: "):
        async with embedded.postgres(folder / "postgres", durable=False):
            pass


async def test_an_interrupted_first_start_begins_anew(folder: Path) -> None:
    (folder / "postgres/data.partial").mkdir(parents=True)
    (folder / "postgres/data.partial/PG_VERSION").write_text("18\n")
    async with embedded.postgres(folder / "postgres", durable=False) as server:
        assert await rows(server.dsn(embedded.APP), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("name", ["x" * 120, "a folder, 'quoted' & spaced"])
async def test_a_long_or_odd_path_puts_the_sockets_elsewhere(folder: Path, name: str) -> None:
    async with (
        embedded.postgres(folder / name / "postgres", durable=False) as server,
        embedded.valkey(folder / name / "valkey") as valkey,
        Redis.from_url(valkey.url) as redis,
    ):
        assert await redis.set("key", "value")
        assert await rows(server.dsn(embedded.APP), "SELECT 1") == [(1,)]
        for private in (server.socket_folder, valkey.socket.parent):
            assert folder not in private.parents
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not server.socket_folder.exists()
    assert not valkey.socket.parent.exists()


async def test_a_socket_folder_that_another_prepared_is_refused(folder: Path) -> None:
    async with embedded.valkey(folder / ("x" * 120)) as valkey:
        private = valkey.socket.parent
    private.mkdir()
    private.chmod(0o777)
    try:
        with pytest.raises(CannotStart, match=r"is not ours$"):
            async with embedded.valkey(folder / ("x" * 120)):
                pass
    finally:
        private.rmdir()


def test_a_killed_parent_leaves_nothing_and_its_data_comes_back(folder: Path) -> None:
    process = start_parent(folder)
    first = read_facts(process)
    asyncio.run(rows(first["owner"], "CREATE TABLE kept AS SELECT 42 AS answer"))
    asyncio.run(_redis(first["url"], lambda redis: redis.set("kept", "42")))
    process.kill()
    process.communicate()
    again = start_parent(folder)  # at once, while the old servers are still dying
    second = read_facts(again)
    assert {first["postgres"], first["valkey"]}.isdisjoint({second["postgres"], second["valkey"]})
    assert asyncio.run(rows(second["owner"], "SELECT answer FROM kept")) == [(42,)]
    assert asyncio.run(_redis(second["url"], lambda redis: redis.get("kept"))) == b"42"
    again.kill()
    again.communicate()
    until(lambda: no_server_left(folder))


def test_servers_killed_with_their_parent_come_back_although_zombies(folder: Path) -> None:
    """Check that the servers start while their dead processes are still zombies."""
    libc = ctypes.CDLL(None)
    subreaper = 36
    assert libc.prctl(subreaper, 1, 0, 0, 0) == 0
    try:
        process = start_parent(folder)
        first = read_facts(process)
        asyncio.run(rows(first["owner"], "CREATE TABLE kept AS SELECT 42 AS answer"))
        process.kill()
        os.kill(int(first["postgres"]), signal.SIGKILL)
        os.kill(int(first["valkey"]), signal.SIGKILL)
        process.communicate()
        until(lambda: no_server_left(folder))
        assert (folder / "postgres/data/postmaster.pid").exists()
        os.kill(int(first["postgres"]), 0)  # a zombie: the id is taken
        second = read_facts(again := start_parent(folder))
        assert asyncio.run(rows(second["owner"], "SELECT answer FROM kept")) == [(42,)]
        again.communicate("stop\n")
        assert again.returncode == 0
        for zombie in (first["postgres"], first["valkey"]):
            os.waitpid(int(zombie), 0)
    finally:
        libc.prctl(subreaper, 0, 0, 0, 0)
        _collect_orphans()


async def _redis(url: str, ask: Callable[["Redis"], Awaitable[object]]) -> object:
    async with Redis.from_url(url) as redis:
        return await ask(redis)


def _collect_orphans() -> None:
    """Read the exit statuses of dead adopted processes."""
    for child in _children():
        try:
            os.waitpid(child, os.WNOHANG)
        except ChildProcessError:
            continue


def _children() -> Sequence[int]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(child) for child in text.split()]
