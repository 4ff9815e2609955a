"""Define mutants: a mutant is the product without one of its guards.

A guard is a lock, or a check that refuses an operation.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

Where = Literal["source", "database"]


@dataclass(frozen=True)
class Mutant:
    """The product without one guard. At least one test must fail on it.

    The name of a mutant says where the guard is. The name is the same in every run.
    """

    name: str
    kind: str
    where: Where
    location: str
    """Where the guard is: a file of the source, or a table or a function of the database."""
    scope: str
    """For a guard of the source: the function that contains the guard, or `*` outside of functions.
    For a guard of the database: the same as `location`."""
    change: str
    """For a guard of the source: the whole text of the changed file. For a guard of the database:
    the SQL statement that removes the guard."""

    @property
    def digest(self) -> str:
        """The key of this mutant in the cache.

        The key depends on the name of the mutant and on its exact change.
        """
        return hashlib.sha256(f"{self.name}\n{self.change}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Edit:
    """A change of a text that removes one guard: `replacement` replaces a part of the text.

    The part begins at the character `start` and ends before the character `end`.
    """

    kind: str
    start: int
    end: int
    replacement: str


_COMMENT = re.compile(r"--[^\n]*")
_ROW_LOCK = re.compile(
    r"\s+FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?(?=[\s;)]|$)"
)
_ADVISORY_LOCK = re.compile(r"\bpg_(try_)?advisory_(?:xact_)?lock(?:_shared)?\(")
_VALUE = r"(?:'\w+'|\([^()]*\)|:\w+)"
_STATUS_CONDITION = re.compile(
    r"(?<=\s)(?P<word>WHERE|AND|OR|IF|ELSIF|WHEN|ON)\s+(?P<test>(?:\w+\.)?"
    rf"(?:(?:status|claim_no|lease_owner)\s*(?:=|<>|IN|NOT IN|IS (?:NOT )?DISTINCT FROM)\s*{_VALUE}"
    r"|(?:enabled|blocked)\b))"
)
_CASE = r"\bCASE\b(?:(?!\bCASE\b).)*?\bEND\b"
_REFUSAL = re.compile(
    rf"\b(?:IF|ELSIF)\s(?P<test>(?:{_CASE}|(?!\bTHEN\b|\bCASE\b).)*?)\sTHEN\s+RAISE\b", re.DOTALL
)


def edits_of_sql(sql: str) -> list[Edit]:
    """Find every lock, status condition and refusal in a piece of SQL.

    Returns one edit for each of them. The edit removes it.
    """
    uncommented = _COMMENT.sub(lambda match: " " * len(match[0]), sql)
    edits = [
        Edit("row lock", match.start(), match.end(), " ")
        for match in _ROW_LOCK.finditer(uncommented)
    ]
    edits += [
        Edit(
            "advisory lock",
            match.start(),
            match.end(),
            "0 < num_nonnulls(" if match[1] else "concat(",
        )
        for match in _ADVISORY_LOCK.finditer(uncommented)
    ]
    edits += [
        Edit("status condition", match.start("test"), match.end("test"), "true")
        for match in _STATUS_CONDITION.finditer(uncommented)
    ]
    for match in _REFUSAL.finditer(uncommented):
        start = match.start("test")
        # Use the last IF before the refusal: an earlier IF belongs to an outer block.
        start += max((inner.end() for inner in re.finditer(r"\bIF\s", match["test"])), default=0)
        edits += [
            Edit("refusal", start + a, start + b, "false")
            for a, b in _alternatives(uncommented[start : match.end("test")])
        ]
    return edits


def _alternatives(condition: str) -> list[tuple[int, int]]:
    """Split a condition at each OR, and return the start and the end of each part.

    An OR inside parentheses or inside a CASE does not split the condition.
    """
    depth, begin, parts, quoted = 0, 0, [], False
    for match in re.finditer(r"[()']|\bCASE\b|\bEND\b|\bOR\b", condition):
        word = match[0]
        if word == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif word in {"(", "CASE"}:
            depth += 1
        elif word in {")", "END"}:
            depth -= 1
        elif depth == 0:
            parts.append((begin, match.start()))
            begin = match.end()
    parts.append((begin, len(condition)))
    trimmed = []
    for a, b in parts:
        text = condition[a:b]
        left = a + len(text) - len(text.lstrip())
        trimmed.append((left, left + len(text.strip())))
    return trimmed
