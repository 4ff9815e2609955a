"""A sandbox behind a real socket, used over raw HTTP, and a folder for embedded servers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox import processes
from tests.sandbox.raw_world import SandboxClient, begin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """Serve people, a channel in which the bot may post, and a private chat with Advertiser."""
    async with begin(tmp_path / "telegram") as running:
        await running.populate()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder. After the test no process of it may run any more."""
    yield tmp_path
    for part in ("postgres/data", "valkey"):
        if (tmp_path / part).exists():
            assert processes.in_folder(tmp_path / part) == []
