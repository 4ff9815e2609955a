"""Test the process `python -m bot.redirect`: without PostgreSQL and after a restart."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from sqlalchemy import make_url

from sandbox import embedded, logins
from sandbox.telegram import ports
from tests.bot.redirect.test_keeper import approved, counted
from tests.conftest import Database
from tests.factories.tracked import BUTTON

pytestmark = pytest.mark.mostly_waits

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
ANSWER_TIME = aiohttp.ClientTimeout(total=20)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"}


@asynccontextmanager
async def running(settings: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the redirect until the block ends, and check that it ends in order unless killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.redirect"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ADTECH_ENV_FILE": os.devnull, **settings},
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    except BaseException as error:
        error.add_note(await said_until_end(process))
        raise
    said = await said_until_end(process)
    assert process.returncode in {0, -signal.SIGKILL}, said
    assert "198.51.100" not in said  # no address of a person is logged


async def said_until_end(process: asyncio.subprocess.Process) -> str:
    """End a process in order, and return what it has written to stderr."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    return said.decode()


class Client:
    """A client of a redirect. Its requests come over a trusted proxy."""

    process: asyncio.subprocess.Process
    """The redirect that runs now."""

    def __init__(self, http: aiohttp.ClientSession, port: int, health: int) -> None:
        """Remember the ports of the redirect and of its health."""
        self._http = http
        self._url = f"http://127.0.0.1:{port}"
        self._health = f"http://127.0.0.1:{health}/api/health/ready"

    async def visit(self, path: str, person: int) -> str | None:
        """Click on a link, and return where it leads, or None."""
        headers = BROWSER | {"X-Forwarded-For": f"198.51.100.{person}"}
        async with self._http.get(
            self._url + path, headers=headers, allow_redirects=False
        ) as answer:
            return answer.headers.get("Location")

    async def until(self, **facts: object) -> None:
        """Wait until the health page says these facts. Fails at once if the redirect has ended."""
        said: dict[str, object] = {}
        ends_at = time.monotonic() + PATIENCE
        while not said.items() >= facts.items():
            assert self.process.returncode is None, f"the redirect has ended after {said}"
            assert time.monotonic() < ends_at, f"{facts} expected, but the last facts are {said}"
            await asyncio.sleep(0.05)
            try:
                async with self._http.get(self._health, timeout=ANSWER_TIME) as answer:
                    said = await answer.json()
            except (aiohttp.ClientConnectionError, TimeoutError):
                said = {}


@pytest.fixture
def folder(server: embedded.Postgres) -> Iterator[Path]:
    """Yield a link to the folder of the server's socket. Without it, nobody can connect.

    The path of a socket has at most 107 bytes, so the link is not in the longer `tmp_path`.
    """
    with tempfile.TemporaryDirectory(prefix="redirect-") as short:
        link = Path(short) / "socket"
        link.symlink_to(server.socket_folder)
        yield link


async def test_links_lead_to_their_targets_without_postgresql(
    server: embedded.Postgres, database: Database, folder: Path, tmp_path: Path
) -> None:
    _, path = await approved(database)
    name = str(make_url(database.url).database)
    dsn = server.dsn(logins.REDIRECT, name).replace(str(server.socket_folder), str(folder))
    port, health = ports.free(0), ports.free(0)
    settings = {
        "REDIRECT_DATABASE_URL": dsn,
        "REDIRECT_PORT": str(port),
        "REDIRECT_METRICS_PORT": str(health),
        "TRUSTED_PROXIES": "127.0.0.1",
        "LINKS_FILE": str(tmp_path / "links.jsonl"),
    }
    async with aiohttp.ClientSession() as http:
        client = Client(http, port, health)
        async with running(settings) as client.process:
            await client.until(ok=True, links=3, database=True)
            assert await client.visit(path, 1) == BUTTON
            # A click that is being stored does not wait, but it would wait again after the cut.
            async with asyncio.timeout(PATIENCE):
                while await counted(database) != [(1, 0, 0)]:
                    await asyncio.sleep(0.05)
            await cut_off(server, folder, name)
            await client.until(database=False, ok=True)
            assert await client.visit(path, 2) == BUTTON
            assert await client.visit(path, 2) == BUTTON
            await client.until(waiting_clicks=1)
            folder.symlink_to(server.socket_folder)  # noqa: ASYNC240 - a local link
            await client.until(database=True, waiting_clicks=0)
            assert await counted(database) == [(2, 1, 0)]
            await cut_off(server, folder, name)
            client.process.kill()
        async with running(settings) as client.process:
            await client.until(ok=True, links=3)  # from the file
            assert await client.visit(path, 3) == BUTTON
            assert await client.visit("/r/" + "x" * 22, 3) is None
            folder.symlink_to(server.socket_folder)  # noqa: ASYNC240 - a local link
            await client.until(database=True)
            assert await client.visit(path, 4) == BUTTON
        assert await counted(database) == [(4, 1, 0)]


async def cut_off(server: embedded.Postgres, folder: Path, name: str) -> None:
    """End the connections of the redirect, and let it open no others."""
    folder.unlink()  # noqa: ASYNC240 - a local link
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE usename = '{logins.REDIRECT}' AND datname = '{name}'"
        )
    finally:
        await connection.close()


async def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    for settings, words in (
        ({"REDIRECT_DATABASE_URL": ""}, "REDIRECT_DATABASE_URL is missing"),
        (
            {
                "REDIRECT_DATABASE_URL": "postgresql://a@/b",
                "LINKS_FILE": str(tmp_path / "none" / "x"),
            },
            "LINKS_FILE cannot be used",
        ),
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.redirect"),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "ADTECH_ENV_FILE": os.devnull, **settings},
            stderr=subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 2
        assert words in said.decode()
