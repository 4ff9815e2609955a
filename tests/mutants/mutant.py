"""Define mutants: a mutant is the product without one check or lock."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

Where = Literal["source", "database"]


@dataclass(frozen=True)
class Mutant:
    """The product without one guard, that is, one check or lock.

    The name of a mutant is the same in every run.
    """

    name: str
    kind: str
    where: Where
    location: str
    """The source file, the table, or the database function of the guard."""
    scope: str
    """The source function of the guard, or `*` outside of functions. In the database, the same as
    `location`."""
    change: str
    """The whole text of the changed source file, or the SQL statement that removes the guard."""

    @property
    def digest(self) -> str:
        """The key of this mutant in the cache."""
        return hashlib.sha256(f"{self.name}\n{self.change}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Edit:
    """A change of a text: `replacement` replaces `text[start:end]`."""

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
_CASE = re.compile(r"\bCASE\b(?:(?!\bCASE\b|;).)*?\bEND\b(?!\s+CASE\b)", re.DOTALL)
"""An expression with CASE, without another one in it. A statement has semicolons."""
_REFUSAL = re.compile(
    r"\b(?:IF|ELSIF|WHEN)\s(?P<test>(?:(?!\bTHEN\b).)*?)\sTHEN\s+"
    r"(?:RAISE\b|RETURN\s+'|code\s*:=)",
    re.DOTALL,
)
"""A condition that raises, or that returns a code for a refusal, for example `not_found`."""


def edits_of_sql(sql: str) -> list[Edit]:
    """Return edits of an SQL text. Each edit removes one lock, status condition or refusal."""
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
    masked = _without_cases(uncommented)
    for match in _REFUSAL.finditer(masked):
        start = match.start("test")
        # Use the last word before the refusal: an earlier one belongs to an outer block.
        inner = [found.end() for found in re.finditer(r"\b(?:IF|WHEN)\s", match["test"])]
        start += max(inner, default=0)
        edits += [
            Edit("refusal", start + a, start + b, "false")
            for a, b in _alternatives(masked[start : match.end("test")])
        ]
    return edits


def _without_cases(sql: str) -> str:
    """Return a text of the same length in which `x` stands for each expression with CASE."""
    while (masked := _CASE.sub(lambda match: "x" * len(match[0]), sql)) != sql:
        sql = masked
    return sql


def _alternatives(condition: str) -> list[tuple[int, int]]:
    """Split a condition at each top-level OR. Return the start and the end of each part."""
    depth, begin, parts, quoted = 0, 0, [], False
    for match in re.finditer(r"[()']|\bOR\b", condition):
        word = match[0]
        if word == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif word == "(":
            depth += 1
        elif word == ")":
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
