"""Provide a launch in a fresh database as a fixture."""

from collections.abc import AsyncIterator

import pytest

from sandbox import embedded
from tests.conftest import checked_database
from tests.factories import launch_walk
from tests.factories.launch_walk import Walk
from tests.kept_databases import KeptDatabases


@pytest.fixture
async def walk(kept_databases: KeptDatabases) -> AsyncIterator[Walk]:
    """Return a launch in a fresh database."""
    async with checked_database(kept_databases, embedded.DATABASE) as database:
        yield await launch_walk.start(database)
