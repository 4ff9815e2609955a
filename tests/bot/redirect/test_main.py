"""Test the process `python -m bot.redirect`: without PostgreSQL and after a restart."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from sqlalchemy import make_url

from sandbox import embedded, logins, ports
from tests.bot.redirect.test_keeper import approved, counted
from tests.conftest import Database
from tests.factories.tracked import BUTTON

pytestmark = pytest.mark.slow_process

ROOT = Path(__file__).parents[3]
PATIENCE = 240.0
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
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode in {0, -signal.SIGKILL}, said.decode()
    assert "198.51.100" not in said.decode()  # no address of a person is logged


class Client:
    """A client of a redirect. Its requests come over a trusted proxy."""

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
        """Wait until the health page says these facts."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with self._http.get(self._health) as answer:
                        said = await answer.json()
                except aiohttp.ClientConnectionError:
                    said = {}
                if said.items() >= facts.items():
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
def folder(server: embedded.Postgres, tmp_path: Path) -> Path:
    """Return a link to the folder of the server's socket. Without it, nobody can connect."""
    link = tmp_path / "socket"
    link.symlink_to(server.socket_folder)
    return link


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
        async with running(settings) as process:
            await client.until(ok=True, links=3, database=True)
            assert await client.visit(path, 1) == BUTTON
            await client.until(waiting_clicks=0)
            await cut_off(server, folder, name)
            await client.until(database=False, ok=True)
            assert await client.visit(path, 2) == BUTTON
            assert await client.visit(path, 2) == BUTTON
            await client.until(waiting_clicks=1)
            folder.symlink_to(server.socket_folder)  # noqa: ASYNC240 - a local link
            await client.until(database=True, waiting_clicks=0)
            assert await counted(database) == [(2, 1, 0)]
            await cut_off(server, folder, name)
            process.kill()
        async with running(settings):
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
