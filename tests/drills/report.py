"""Record what each phase of a drill found, print it, and write it as Markdown."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo.errors import Unexpected

PHASES = ("trigger", "see", "stop", "repair", "verify")
SEE_LIMIT = 60.0
"""Each incident has to be seen within this time after its trigger, in seconds."""


@dataclass(frozen=True)
class Finding:
    """The result of one phase."""

    phase: str
    what: str
    seconds: float
    entries: int = 0
    """The size of the ledger at the end of the phase."""
    detected: float | None = None
    """How many seconds after the trigger the incident was seen. None for other phases."""
    failure: str | None = None

    @property
    def verdict(self) -> str:
        """Return PASS or FAIL."""
        return "FAIL" if self.failure else "PASS"

    @property
    def detection(self) -> str:
        """Return the time until the detection, or "" for other phases."""
        return "" if self.detected is None else f"seen after {self.detected:.1f} s"


@dataclass
class Report:
    """The findings of one drill. Several drills print their lines at the same time."""

    name: str
    title: str
    findings: list[Finding] = field(default_factory=list)
    count_entries: Callable[[], Awaitable[int]] | None = None
    """Returns the size of the ledger. None before the product of the drill runs."""
    triggered_at: float | None = None
    """When the last trigger ended, until the incident is seen."""

    @property
    def passed(self) -> bool:
        """Return whether no phase has failed."""
        return bool(self.findings) and not any(finding.failure for finding in self.findings)

    @asynccontextmanager
    async def phase(self, phase: str, what: str) -> AsyncIterator[None]:
        """Time one phase of the drill, and print its verdict.

        If the phase fails, raises Unexpected after the finding is stored. The first phase `see`
        after a trigger fails too if it ends later than SEE_LIMIT after the trigger.
        """
        begun = time.monotonic()
        failure: Unexpected | None = None
        try:
            yield
        except Unexpected as error:
            failure = error
        ended, detected = time.monotonic(), None
        if phase == "trigger":
            self.triggered_at = ended
        elif phase == "see" and self.triggered_at is not None:
            detected, self.triggered_at = ended - self.triggered_at, None
            if failure is None and detected > SEE_LIMIT:
                failure = Unexpected(f"seen within {SEE_LIMIT:.0f} s", f"{detected:.0f} s")
        entries = await self.count_entries() if self.count_entries else 0
        self.add(
            Finding(
                phase, what, ended - begun, entries, detected, str(failure) if failure else None
            )
        )
        if failure is not None:
            raise failure

    def add(self, finding: Finding) -> None:
        """Store and print a finding."""
        self.findings.append(finding)
        print(
            f"{self.name:<18}{finding.verdict}  {finding.phase:<8}{finding.seconds:6.1f} s"
            f"{finding.entries:4d} entries  {finding.what}",
            *([finding.detection] if finding.detection else []),
            sep="; ",
            flush=True,
        )
        if finding.failure:
            print(f"{'':<18}{finding.failure}", flush=True)


def write(path: Path, reports: list[Report], seconds: float) -> None:
    """Write all reports into a Markdown file."""
    lines = ["# Drills", "", f"All drills took {seconds:.0f} s.", ""]
    for report in reports:
        verdict = "PASS" if report.passed else "FAIL"
        lines += [
            f"## {report.title}: {verdict}",
            "",
            "| phase | what | seconds | seen | entries of the ledger | verdict |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for finding in report.findings:
            shown = f"{finding.verdict}: {finding.failure}" if finding.failure else "PASS"
            cells = (
                *(finding.phase, finding.what, f"{finding.seconds:.1f}"),
                *(finding.detection, str(finding.entries), shown),
            )
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))
