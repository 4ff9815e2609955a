"""Record what each phase of a drill found, print it, and write it as Markdown."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo.errors import Unexpected

PHASES = ("trigger", "see", "stop", "repair", "verify")
SEE_LIMIT = 60.0
"""Each incident has to be seen within this time, in seconds."""


@dataclass(frozen=True)
class Finding:
    """The result of one phase."""

    phase: str
    what: str
    seconds: float
    failure: str | None = None

    @property
    def verdict(self) -> str:
        """Return PASS or FAIL."""
        return "FAIL" if self.failure else "PASS"


@dataclass
class Report:
    """The findings of one drill. Several drills print their lines at the same time."""

    name: str
    title: str
    findings: list[Finding] = field(default_factory=list)
    ledger_entries: int = 0
    """The size of the ledger at the end of the drill."""

    @property
    def passed(self) -> bool:
        """Return whether no phase has failed."""
        return bool(self.findings) and not any(finding.failure for finding in self.findings)

    @contextmanager
    def phase(self, phase: str, what: str) -> Iterator[None]:
        """Time one phase of the drill, and print its verdict.

        If the phase fails, raises Unexpected after the finding is stored. The phase `see` fails too
        if it takes longer than SEE_LIMIT.
        """
        begun = time.monotonic()
        failure: Unexpected | None = None
        try:
            yield
        except Unexpected as error:
            failure = error
        seconds = time.monotonic() - begun
        if failure is None and phase == "see" and seconds > SEE_LIMIT:
            failure = Unexpected(f"seen within {SEE_LIMIT:.0f} s", f"{seconds:.0f} s")
        self.add(phase, what, seconds, failure)
        if failure is not None:
            raise failure

    def add(self, phase: str, what: str, seconds: float, failure: Exception | None = None) -> None:
        """Store and print a finding."""
        finding = Finding(phase, what, seconds, str(failure) if failure else None)
        self.findings.append(finding)
        print(f"{self.name:<18}{finding.verdict}  {phase:<8}{seconds:6.1f} s  {what}", flush=True)
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
            f"Ledger: {report.ledger_entries} entries.",
            "",
            "| phase | what | seconds | verdict |",
            "| --- | --- | --- | --- |",
        ]
        for finding in report.findings:
            shown = f"{finding.verdict}: {finding.failure}" if finding.failure else "PASS"
            lines.append(f"| {finding.phase} | {finding.what} | {finding.seconds:.1f} | {shown} |")
        lines.append("")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))
