"""Guards of the source, found in its syntax: locks, status conditions and refusals."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.mutant import Cut, Mutant, cuts_of_sql

PLACES = ("services/*/*.py", "db/queries.py")
FENCES = frozenset({"status", "claim_no", "lease_owner", "lease_until", "enabled", "blocked"})
"""Columns that say whether somebody may still act."""


def find(root: Path) -> list[Mutant]:
    """List the mutants of every module that moves money or states."""
    return [
        mutant
        for pattern in PLACES
        for path in sorted(root.glob(pattern))
        for mutant in _of_file(path.relative_to(root).as_posix(), path.read_text())
    ]


def _of_file(place: str, source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    lines = _Lines(source)
    names: dict[str, int] = {}
    for scope, cut in _cuts(tree, lines):
        gone = " ".join(source[cut.start : cut.end].split())
        name = f"{cut.kind}: {place} {scope}: {gone[:110]}"
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        changed = source[: cut.start] + cut.instead + source[cut.end :]
        ast.parse(changed)
        yield Mutant(name, cut.kind, "source", place, scope, changed)


class _Lines:
    """Turns places of the syntax tree (line, and column in bytes) into places of the text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and a column in bytes."""
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.at(node.lineno, node.col_offset),
            self.at(node.end_lineno, node.end_col_offset),
        )


def _cuts(tree: ast.Module, lines: _Lines) -> Iterator[tuple[str, Cut]]:
    for scope, node in _walk(tree, "*"):
        for cut in _of_node(node, lines):
            yield scope, cut


def _walk(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = child.name
        yield inner, child
        yield from _walk(child, inner)


def _of_node(node: ast.AST, lines: _Lines) -> Iterator[Cut]:
    if isinstance(node, ast.Call):
        yield from _row_lock(node, lines)
        yield from _advisory(node, lines)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"where", "join", "filter"}:
            yield from _conditions(node.args, lines)
    elif isinstance(node, ast.Tuple):
        yield from _conditions(node.elts, lines)
    elif isinstance(node, ast.Expr):
        yield from _called_guard(node, lines)
    elif isinstance(node, ast.If):
        yield from _refusal(node, lines)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _sql(node, lines)


def _row_lock(call: ast.Call, lines: _Lines) -> Iterator[Cut]:
    """`.with_for_update(…)`, or the keyword of `session.get`."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "with_for_update":
        yield Cut("row lock", lines.span(call.func.value)[1], lines.span(call)[1], "")
    for keyword in call.keywords:
        if keyword.arg == "with_for_update":
            yield Cut("row lock", *lines.span(keyword.value), "False")


def _advisory(call: ast.Call, lines: _Lines) -> Iterator[Cut]:
    if isinstance(call.func, ast.Attribute) and "advisory" in call.func.attr:
        instead = "func.num_nonnulls" if "try" in call.func.attr else "func.concat"
        yield Cut("advisory lock", *lines.span(call.func), instead)


def _conditions(tests: list[ast.expr], lines: _Lines) -> Iterator[Cut]:
    """Conditions on a status or a claim in a query's WHERE, or in a tuple that becomes one."""
    for test in tests:
        if isinstance(test, ast.Compare) and _fenced(test.left):
            yield Cut("status condition", *lines.span(test), "True")
        if (
            isinstance(test, ast.Call)
            and isinstance(test.func, ast.Attribute)
            and test.func.attr in {"in_", "not_in", "is_", "is_not"}
            and _fenced(test.func.value)
        ):
            yield Cut("status condition", *lines.span(test), "True")
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Invert):
            yield Cut("status condition", *lines.span(test), "True")


def _fenced(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in FENCES
        and isinstance(node.value, ast.Name)
        and node.value.id[0].isupper()  # a column of a table, not a value in hand
    )


def _called_guard(statement: ast.Expr, lines: _Lines) -> Iterator[Cut]:
    """A call that is made for its refusal or its lock alone."""
    inner = statement.value
    call = inner.value if isinstance(inner, ast.Await) else inner
    if not isinstance(call, ast.Call):
        return
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = call.func.id if isinstance(call.func, ast.Name) else name
    words = name.strip("_").split("_")
    if "lock" in words:
        yield Cut("lock call", *lines.span(statement), "pass")
    elif words[0] in {"require", "refuse", "recheck", "check", "validate"}:
        yield Cut("refusal", *lines.span(statement), "pass")


def _refusal(node: ast.If, lines: _Lines) -> Iterator[Cut]:
    """`if …: raise`, and `if … status …: return`; each side of an `or` by itself."""
    first = node.body[0]
    raises = isinstance(first, ast.Raise)
    leaves = isinstance(first, ast.Return) and any(
        isinstance(part, ast.Attribute) and part.attr in FENCES for part in ast.walk(node.test)
    )
    if not raises and not leaves:
        return
    test = node.test
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
    for part in parts:
        yield Cut("refusal", *lines.span(part), "False")


def _sql(node: ast.Constant, lines: _Lines) -> Iterator[Cut]:
    start, end = lines.span(node)
    text = lines.source[start:end]
    if any(word in text for word in ("SELECT ", "UPDATE ", "INSERT ")):
        for cut in cuts_of_sql(text):
            yield Cut(cut.kind, start + cut.start, start + cut.end, cut.instead)
