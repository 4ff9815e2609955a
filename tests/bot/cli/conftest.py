"""Provide the marketplace of the scheduler's tests to the tests of commands."""

from tests.scheduler.conftest import scene

__all__ = ["scene"]
