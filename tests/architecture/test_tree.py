"""Test rules for the source tree that no linter checks."""

import ast
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("bot", "handlers", "services", "db", "scheduler")
LONGEST_MODULE = 400
TEXT_SUFFIXES = {
    *("", ".py", ".toml", ".txt", ".in", ".md", ".ftl", ".ini", ".mako", ".sql", ".lua"),
    *(".html", ".css", ".js", ".json", ".yml", ".yaml", ".example"),
}
# The patterns are written in pieces, so that this file does not match them.
FORBIDDEN = {
    "an index host": re.compile(
        "py" + r"pi\.(org|python)|python" + r"hosted|npm" + r"js\.(org|com)"
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(work|root|Users|home/\w+|tmp/w)" + "/"),
    "unfinished work": re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X|HA" + r"CK)\b"),
    "an issue's number": re.compile(r"(?i)\bissue" + r"s? #?\d"),
}


@functools.cache
def files() -> tuple[Path, ...]:
    """Return the files of the repository, except generated files and most hidden folders."""
    found: list[Path] = []
    for folder, subfolders, names in os.walk(ROOT):
        generated = {"__pycache__", "build", "dist"}
        subfolders[:] = [
            n for n in subfolders if n not in generated and (not n.startswith(".") or n == ".ci")
        ]
        at_top = Path(folder) == ROOT
        # In a git worktree, `.git` is a file. `.env` contains a developer's own settings.
        found += [Path(folder, n) for n in names if not (at_top and n in {".env", ".git"})]
    return tuple(sorted(found))


@functools.cache
def syntax_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the relative path and the syntax tree of each Python file in the folders."""
    for path in files():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in folders:
            yield name, syntax_tree(path)


def test_only_the_session_commits() -> None:
    # The sandbox is not checked: its own journal has another `commit`.
    found = [
        f"{name}:{node.lineno}"
        for name, syntax in modules(*PRODUCT)
        for node in ast.walk(syntax)
        if isinstance(node, ast.Attribute)
        and node.attr == "commit"
        and name != Path("db/session.py")
    ]
    assert not found


def test_services_are_imported_as_modules() -> None:
    # A test can then replace a function of a service for all callers.
    functions = {
        (name.stem, node.name)
        for name, syntax in modules("services")
        for node in syntax.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    found = [
        f"{name}:{node.lineno} {alias.name}"
        for name, syntax in modules(*PRODUCT, "sandbox")
        for node in ast.walk(syntax)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("services.")
        for alias in node.names
        if ((node.module or "").rpartition(".")[2], alias.name) in functions
    ]
    assert not found


def test_package_files_are_empty() -> None:
    found = [
        str(p.relative_to(ROOT)) for p in files() if p.name == "__init__.py" and p.stat().st_size
    ]
    assert found == ["bot/__init__.py"]


def test_no_module_is_too_long() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in files()
        if path.suffix == ".py" and path.parent != ROOT / "migrations" / "versions"
    }
    assert not {str(name): length for name, length in lengths.items() if length > LONGEST_MODULE}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has_a_forbidden_text(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path.suffix in TEXT_SUFFIXES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert not found


@pytest.mark.parametrize("document", ["README.md", "docs/security.md"])
def test_the_tests_that_a_document_names_exist(document: str) -> None:
    words = re.findall(r"`(?:tests/)?([\w/]+/test_\w+\.py)`", (ROOT / document).read_text())
    assert words
    assert [word for word in words if not (ROOT / "tests" / word).is_file()] == []


def test_no_docstring_begins_with_a_fragment() -> None:
    # docs/STYLE.md: a sentence has a subject and a verb, and an attribute is named by a noun.
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.match(r'\s*"""(Who|What|Which|Of which)\b', line)
    ]
    assert not found
