"""Provide the marketplace of the scheduler's tests."""

from tests.scheduler.conftest import scene

__all__ = ["scene"]
