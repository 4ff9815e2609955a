"""Provide a launch in a fresh database as a fixture."""

from collections.abc import AsyncIterator

import pytest

from sandbox import embedded
from tests.conftest import ReusedEngine, checked_database
from tests.factories import launch_walk
from tests.factories.launch_walk import Walk


@pytest.fixture
async def walk(server: embedded.Postgres, reused_engine: ReusedEngine) -> AsyncIterator[Walk]:
    """Return a launch in a fresh database."""
    async with checked_database(server, embedded.DATABASE, reused_engine) as database:
        yield await launch_walk.start(database)
