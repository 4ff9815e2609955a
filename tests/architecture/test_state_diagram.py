"""Test that the state diagram in docs/architecture.md matches `transitions.POST_JOB`."""

import re
from pathlib import Path

from services.platform import transitions

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
ARROW = re.compile(r"^\s*(\[\*\]|\w+) --> (\[\*\]|\w+)", re.MULTILINE)


def arrows() -> list[tuple[str, str]]:
    """Return the diagram's arrows as pairs: the state before and the state after."""
    [diagram] = re.findall(r"stateDiagram-v2\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return ARROW.findall(diagram)


def test_the_diagram_has_every_move_once_and_no_other() -> None:
    moves = [(start, end) for start, end in arrows() if "[*]" not in {start, end}]
    assert sorted(moves) == sorted((str(start), str(end)) for start, end in transitions.POST_JOB)


def test_the_diagram_begins_as_a_job_does() -> None:
    assert [end for start, end in arrows() if start == "[*]"] == ["queued"]
