"""A world behind a real socket, spoken to over raw HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.raw_world import RawWorld, begin


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RawWorld]:
    """People, a channel that the bot may post to, and the bot's private chat with Advertiser."""
    async with begin(tmp_path / "telegram") as running:
        await running.populate()
        yield running
