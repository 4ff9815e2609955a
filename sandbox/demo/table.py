"""Lines for a terminal of 100 columns."""

import textwrap
from itertools import zip_longest

from sandbox.demo.books import Result
from sandbox.demo.scenario import Seen

_WIDTHS = (2, 24, 26, 42)
_GAP = "  "


def heading() -> str:
    """The columns' names."""
    return _row("#", "step", "seen in the chat", "seen in the database (money in cents)")


def line(number: int, title: str, seen: Seen) -> str:
    """One step; what does not fit into a column goes on below it."""
    return _row(f"{number:2}", title, seen.chat, seen.database)


def result(found: Result) -> str:
    """What one check found."""
    ok = "ok " if not found.offending else "NO "
    return (
        f"  {ok} {found.check.name:<62} {found.offending} of {found.looked_at} {found.check.table}"
    )


def _row(*cells: str) -> str:
    columns = [textwrap.wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    lines = zip_longest(*columns, fillvalue="")
    return "\n".join(
        _GAP.join(part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
        for parts in lines
    )
