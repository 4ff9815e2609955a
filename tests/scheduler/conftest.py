"""Provide a marketplace as a fixture for the scheduler's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox import embedded
from services.market.creatives import Creative
from tests.conftest import Database
from tests.handlers.conftest import short_logs
from tests.sandbox.raw_world import begin
from tests.scheduler.scene import AD, Scene

__all__ = ["scene", "short_logs"]


@pytest.fixture
async def scene(
    server: embedded.Postgres, database: Database, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Yield a marketplace with people, one connected channel and one active campaign."""
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        scene = Scene(database, server.dsn(embedded.SUPERUSER, "postgres"), world)
        await scene.populate(creative=Creative(kind="text", text=AD))
        yield scene
        for close in scene.closing:
            await close()
