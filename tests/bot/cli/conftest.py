"""Provide a runner of `adtech` commands, and the marketplace of the scheduler's tests."""

import pytest

from tests.conftest import Database
from tests.scheduler.conftest import scene
from tests.shell import Shell, shell_of

__all__ = ["scene"]


@pytest.fixture
def shell(database: Database) -> Shell:
    return shell_of(database)
