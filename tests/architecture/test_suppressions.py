"""Test that each place that silences a checker says why."""

import re

from tests.architecture.test_tree import ROOT, files

# The patterns are written in pieces, so that this file does not match them.
SILENCES = re.compile("# (ruff: )?no" + "qa|# type: ig" + "nore")
# ruff itself asks for a reason, a log line or a raise after each `except Exception`.
WITH_REASON = re.compile(
    "# (ruff: )?no" + r"qa: [A-Z]+\d+(, [A-Z]+\d+)* - \w|# type: ig" + r"nore\[[\w, -]+\]  # \w"
)


def test_each_silenced_check_has_a_reason() -> None:
    silent = {
        f"{path.relative_to(ROOT)}:{number}": line
        for path in files()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if SILENCES.search(line)
    }
    assert silent
    assert [place for place, line in silent.items() if not WITH_REASON.search(line)] == []
