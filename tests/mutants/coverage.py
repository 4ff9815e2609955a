"""A pytest plugin: which test enters which function of the money core, and how long it takes."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest


@dataclass(eq=False)
class Reach:
    """What the tests of one run entered: `file function` by test, and seconds by test."""

    root: Path
    entered: dict[str, set[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _places: dict[CodeType, str | None] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch one test with its fixtures."""
        seen: set[str] = set()

        def watch(frame: FrameType, _event: str, _argument: Any) -> None:
            # Asked at each call; by returning nothing it is spared the lines.
            if place := self._place(frame.f_code):
                seen.add(place)

        begun = time.monotonic()
        sys.settrace(watch)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.entered[item.nodeid] = seen
            self.seconds[item.nodeid] = time.monotonic() - begun

    def _place(self, code: CodeType) -> str | None:
        if code not in self._places:
            path = Path(code.co_filename)
            inside = not {self.root / "services", self.root / "db"}.isdisjoint(path.parents)
            self._places[code] = (
                f"{path.relative_to(self.root).as_posix()} {code.co_name}" if inside else None
            )
        return self._places[code]


@dataclass(eq=False)
class Verdict:
    """A pytest plugin: the first test that failed, and why."""

    killer: str | None = None
    why: str = ""
    tests: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first failure, of a test or of a fixture."""
        self.tests += report.when == "call"
        if report.failed and self.killer is None:
            self.killer = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            self.why = str(crash.message if crash else report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported kills as well."""
        if report.failed and self.killer is None:
            self.killer = report.nodeid or "collection"
            self.why = str(report.longrepr)
