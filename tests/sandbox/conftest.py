"""Provide a sandbox, and a folder for PostgreSQL and Valkey."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox import processes
from tests.sandbox.telegram.raw_world import SandboxClient, begin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox with people, a group, and a channel in which the bot may post."""
    async with begin(tmp_path / "telegram") as running:
        await running.populate()
        yield running


@pytest.fixture
async def lenient_world(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """Serve the same sandbox, but ignore unknown fields as Telegram does."""
    async with begin(tmp_path / "telegram", strict=False) as running:
        await running.populate()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder for PostgreSQL and Valkey, and check that both have ended."""
    yield tmp_path
    for part in ("postgres/data", "valkey"):
        if (tmp_path / part).exists():
            assert processes.in_folder(tmp_path / part) == []
