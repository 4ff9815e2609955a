"""Test that each statement in `docs/security.md` names an existing test or attack."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.factories.attack import LOGIN, Attack
from tests.factories.attacks import ATTACKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
HOLDS, LEFT = "## What holds", "## What is left"
_OWNER = "the owner's role"


def lines(heading: str) -> list[list[str]]:
    """Return the table rows under a heading, without the header rows."""
    section = PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return [
        row
        for row, after in zip(cells, [*cells[1:], [""]], strict=True)
        if not _is_head(row, after)
    ]


def _is_head(row: list[str], after: list[str]) -> bool:
    return set("".join(row)) <= set("- ") or (set("".join(after)) <= set("- ") and after != [""])


def attacks(cell: str) -> Iterator[Attack]:
    """Yield the attacks that a cell names.

    `…` stands for any text, and a word in capital letters stands for any word.
    """
    for name in (part.strip() for part in cell.split(";")):
        if name.startswith("`"):  # a file or a test
            continue
        pattern = re.escape(name).replace("…", ".+")
        pattern = re.sub(r"\b[A-Z]{2,}\b", r"\\w+", pattern)
        found = [tried for tried in ATTACKS if re.fullmatch(pattern, tried.name)]
        assert found, f"no attack is called {name}"
        yield from found


@cache
def names_of_tests() -> frozenset[str]:
    """Return the names of all test functions in the repository."""
    return frozenset(
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("row", [*lines(HOLDS), *lines(LEFT)], ids=lambda row: row[0][:60])
def test_each_line_has_a_test_that_exists(row: list[str]) -> None:
    assert row[-1]
    for quoted in re.findall(r"`([^`]+)`", row[-1]):
        if "/" in quoted:
            assert (ROOT / quoted).is_file(), quoted
        elif quoted.startswith("test_"):
            assert quoted in names_of_tests(), quoted


@pytest.mark.parametrize(
    "row", [row for row in lines(HOLDS) if len(row) == 3], ids=lambda row: row[0][:60]
)
def test_what_holds_is_refused_to_the_logins_of_the_line(row: list[str]) -> None:
    everybody = [login for name, login in LOGIN.items() if name != "owner"]
    to = [part.strip() for part in row[1].replace(" and ", " ").split(",")]
    wanted = set(everybody if "all" in to else [LOGIN[name] for name in to if name != _OWNER])
    wanted |= {LOGIN["owner"]} if _OWNER in to else set()
    for tried in attacks(row[2]):
        assert wanted <= tried.refused.keys(), tried.name


@pytest.mark.parametrize("row", lines(LEFT), ids=lambda row: row[0])
def test_what_is_left_is_allowed_to_the_login_of_the_line(row: list[str]) -> None:
    login = row[0].strip("`")
    for tried in attacks(row[2]):
        assert login in tried.allowed, tried.name


def test_each_attack_is_on_the_page() -> None:
    named = {
        tried.name
        for row in [*(row for row in lines(HOLDS) if len(row) == 3), *lines(LEFT)]
        for tried in attacks(row[2])
    }
    assert {tried.name for tried in ATTACKS} == named
