"""Provide a sandbox for tests, and a folder in which PostgreSQL and Valkey can run."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox import processes
from tests.sandbox.raw_world import SandboxClient, begin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox with people, a group, and a channel in which the bot may post.

    The person Advertiser has started the private chat with the bot.
    """
    async with begin(tmp_path / "telegram") as running:
        await running.populate()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder in which the sandbox can start PostgreSQL and Valkey.

    If one of these servers still runs after the test, the fixture fails.
    """
    yield tmp_path
    for part in ("postgres/data", "valkey"):
        if (tmp_path / part).exists():
            assert processes.in_folder(tmp_path / part) == []
