"""Format the output of the demo for a terminal of 100 columns."""

import textwrap
from itertools import zip_longest

from sandbox.demo.books import Result
from sandbox.demo.scenario import StepResult

_WIDTHS = (2, 24, 26, 42)
_GAP = "  "


def heading() -> str:
    """Return the line with the names of the columns."""
    return _row("#", "step", "seen in the chat", "seen in the database (money in cents)")


def step_line(number: int, title: str, result: StepResult) -> str:
    """Return the table row of one step."""
    return _row(f"{number:2}", title, result.chat, result.database)


def check_line(check_result: Result) -> str:
    """Return the line for the result of one check."""
    ok = "ok " if not check_result.offending else "NO "
    counts = f"{check_result.offending} of {check_result.checked_rows} {check_result.check.table}"
    return f"  {ok} {check_result.check.name:<62} {counts}"


def _row(*cells: str) -> str:
    columns = [textwrap.wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    lines = zip_longest(*columns, fillvalue="")
    return "\n".join(
        _GAP.join(part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
        for parts in lines
    )
