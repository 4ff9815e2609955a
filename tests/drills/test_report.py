"""Test the report of a drill."""

from pathlib import Path

import pytest

from sandbox.demo.errors import Unexpected
from tests.drills.report import SEE_LIMIT, Report, write


async def test_an_incident_that_is_seen_late_fails(tmp_path: Path) -> None:
    report = Report("drill", "A drill")

    async def count() -> int:
        return 7

    report.count_entries = count
    async with report.phase("trigger", "something breaks"):
        pass
    assert report.triggered_at is not None
    report.triggered_at -= SEE_LIMIT
    with pytest.raises(Unexpected, match="seen within"):
        async with report.phase("see", "an alarm"):
            pass
    async with report.phase("see", "the commands"):
        pass
    trigger, late, commands = report.findings
    assert (trigger.verdict, late.verdict, commands.verdict) == ("PASS", "FAIL", "PASS")
    assert late.detected is not None
    assert late.detected >= SEE_LIMIT
    assert (trigger.detected, commands.detected, late.entries) == (None, None, 7)
    write(tmp_path / "build/drills.md", [report], 1.0)
    assert "seen after 60.0 s | 7 | FAIL" in (tmp_path / "build/drills.md").read_text()
