"""Make a mutant for each lock and each check in the source code."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.mutant import Edit, Mutant, edits_of_sql

MODULES = ("services/*/*.py", "db/queries.py")
GUARD_COLUMNS = frozenset(
    {"status", "claim_no", "lease_owner", "lease_until", "enabled", "blocked"}
)
"""The columns that decide whether an operation is allowed."""


def find(root: Path) -> list[Mutant]:
    """Return the mutants of all services and of `db/queries.py`."""
    return [
        mutant
        for pattern in MODULES
        for path in sorted(root.glob(pattern))
        for mutant in _of_file(path.relative_to(root).as_posix(), path.read_text())
    ]


def _of_file(location: str, source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    offsets = _Offsets(source)
    names: dict[str, int] = {}
    for scope, edit in _edits(tree, offsets):
        removed = " ".join(source[edit.start : edit.end].split())
        name = f"{edit.kind}: {location} {scope}: {removed[:110]}"
        names[name] = names.get(name, 0) + 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        changed = source[: edit.start] + edit.replacement + source[edit.end :]
        ast.parse(changed)
        yield Mutant(name, edit.kind, "source", location, scope, changed)


class _Offsets:
    """A converter from positions in the syntax tree to offsets in characters."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Return the number of characters before a position.

        The first line is 1, and `column` counts bytes.
        """
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the offsets at which a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )


def _edits(tree: ast.Module, offsets: _Offsets) -> Iterator[tuple[str, Edit]]:
    for scope, node in _walk(tree, "*"):
        for edit in _of_node(node, offsets):
            yield scope, edit


def _walk(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = child.name
        yield inner, child
        yield from _walk(child, inner)


def _of_node(node: ast.AST, offsets: _Offsets) -> Iterator[Edit]:
    if isinstance(node, ast.Call):
        yield from _row_lock(node, offsets)
        yield from _advisory_lock(node, offsets)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"where", "join", "filter"}:
            yield from _condition_edits(node.args, offsets)
    elif isinstance(node, ast.Tuple):
        yield from _condition_edits(node.elts, offsets)
    elif isinstance(node, ast.Expr):
        yield from _guard_call(node, offsets)
    elif isinstance(node, ast.If):
        yield from _refusal_edits(node, offsets)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _sql_edits(node, offsets)


def _row_lock(call: ast.Call, offsets: _Offsets) -> Iterator[Edit]:
    """Yield the edits that remove the row locks from a call."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "with_for_update":
        yield Edit("row lock", offsets.span(call.func.value)[1], offsets.span(call)[1], "")
    for keyword in call.keywords:
        if keyword.arg == "with_for_update":
            yield Edit("row lock", *offsets.span(keyword.value), "False")


def _advisory_lock(call: ast.Call, offsets: _Offsets) -> Iterator[Edit]:
    if isinstance(call.func, ast.Attribute) and "advisory" in call.func.attr:
        replacement = "func.num_nonnulls" if "try" in call.func.attr else "func.concat"
        yield Edit("advisory lock", *offsets.span(call.func), replacement)


def _condition_edits(tests: list[ast.expr], offsets: _Offsets) -> Iterator[Edit]:
    """Yield the edits that make conditions on a status or a claim true."""
    for test in tests:
        if isinstance(test, ast.Compare) and _is_guard_column(test.left):
            yield Edit("status condition", *offsets.span(test), "True")
        if (
            isinstance(test, ast.Call)
            and isinstance(test.func, ast.Attribute)
            and test.func.attr in {"in_", "not_in", "is_", "is_not"}
            and _is_guard_column(test.func.value)
        ):
            yield Edit("status condition", *offsets.span(test), "True")
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Invert):
            yield Edit("status condition", *offsets.span(test), "True")


def _is_guard_column(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in GUARD_COLUMNS
        and isinstance(node.value, ast.Name)
        and node.value.id[0].isupper()  # a column of a model class, not a value
    )


def _guard_call(statement: ast.Expr, offsets: _Offsets) -> Iterator[Edit]:
    """Yield the edit that removes a call, if the called function only refuses or locks."""
    inner = statement.value
    call = inner.value if isinstance(inner, ast.Await) else inner
    if not isinstance(call, ast.Call):
        return
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    name = call.func.id if isinstance(call.func, ast.Name) else name
    words = name.strip("_").split("_")
    if "lock" in words:
        yield Edit("lock call", *offsets.span(statement), "pass")
    elif words[0] in {"require", "refuse", "recheck", "check", "validate"}:
        yield Edit("refusal", *offsets.span(statement), "pass")


def _refusal_edits(node: ast.If, offsets: _Offsets) -> Iterator[Edit]:
    """Yield the edits that make the condition of a refusal false."""
    first = node.body[0]
    raises = isinstance(first, ast.Raise)
    returns = isinstance(first, ast.Return) and any(
        isinstance(part, ast.Attribute) and part.attr in GUARD_COLUMNS
        for part in ast.walk(node.test)
    )
    if not raises and not returns:
        return
    test = node.test
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
    for part in parts:
        yield Edit("refusal", *offsets.span(part), "False")


def _sql_edits(node: ast.Constant, offsets: _Offsets) -> Iterator[Edit]:
    start, end = offsets.span(node)
    text = offsets.source[start:end]
    if any(word in text for word in ("SELECT ", "UPDATE ", "INSERT ")):
        for edit in edits_of_sql(text):
            yield Edit(edit.kind, start + edit.start, start + edit.end, edit.replacement)
