"""Provide a runner of `adtech` commands."""

import pytest

from tests.conftest import Database
from tests.shell import Shell, shell_of


@pytest.fixture
def shell(database: Database) -> Shell:
    return shell_of(database)
