"""Define two pytest plugins for the tests of mutants."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest


@dataclass(eq=False)
class Coverage:
    """A pytest plugin that records which functions of `services` and `db` each test calls."""

    root: Path
    functions: dict[str, set[str]] = field(default_factory=dict)
    """The called functions by test id. A function is written as `FILE NAME`."""
    seconds: dict[str, float] = field(default_factory=dict)
    _functions: dict[CodeType, str | None] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record which functions one test calls, and how long the test takes."""
        functions: set[str] = set()

        def trace(frame: FrameType, _event: str, _argument: Any) -> None:
            # Python calls this at each function call. It returns None, so no lines are traced.
            if function := self._name_of(frame.f_code):
                functions.add(function)

        begun = time.monotonic()
        sys.settrace(trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.functions[item.nodeid] = functions
            self.seconds[item.nodeid] = time.monotonic() - begun

    def _name_of(self, code: CodeType) -> str | None:
        if code not in self._functions:
            path = Path(code.co_filename)
            in_money_core = not {self.root / "services", self.root / "db"}.isdisjoint(path.parents)
            self._functions[code] = (
                f"{path.relative_to(self.root).as_posix()} {code.co_name}"
                if in_money_core
                else None
            )
        return self._functions[code]


@dataclass(eq=False)
class Verdict:
    """A pytest plugin that records the first failure."""

    killer: str | None = None
    why: str = ""
    tests: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the first failure of a test or a fixture."""
        self.tests += report.when == "call"
        if report.failed and self.killer is None:
            self.killer = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            self.why = str(crash.message if crash else report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a failure if a test module cannot be imported."""
        if report.failed and self.killer is None:
            self.killer = report.nodeid or "collection"
            self.why = str(report.longrepr)
