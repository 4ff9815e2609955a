"""What a mutant is: one guard of the product, taken away."""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

Where = Literal["source", "database"]


@dataclass(frozen=True)
class Mutant:
    """One guard less. Its name says where it stood, and stays the same from run to run."""

    name: str
    kind: str
    where: Where
    place: str
    """Source: the file. Database: the table or function."""
    scope: str
    """Source: the function around it, `*` for a module's own lines. Database: the same as place."""
    change: str
    """Source: the whole file as mutated. Database: the statement that takes the guard away."""

    @property
    def digest(self) -> str:
        """What a remembered verdict is good for: this very change."""
        return hashlib.sha256(f"{self.name}\n{self.change}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Cut:
    """A stretch of a text to be replaced."""

    kind: str
    start: int
    end: int
    instead: str


_COMMENT = re.compile(r"--[^\n]*")
_ROW_LOCK = re.compile(
    r"\s+FOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF \w+)?(?: SKIP LOCKED| NOWAIT)?(?=[\s;)]|$)"
)
_ADVISORY = re.compile(r"\bpg_(try_)?advisory_(?:xact_)?lock(?:_shared)?\(")
_VALUE = r"(?:'\w+'|\([^()]*\)|:\w+)"
_STATUS = re.compile(
    r"(?<=\s)(?P<word>WHERE|AND|OR|IF|ELSIF|WHEN|ON)\s+(?P<test>(?:\w+\.)?"
    rf"(?:(?:status|claim_no|lease_owner)\s*(?:=|<>|IN|NOT IN|IS (?:NOT )?DISTINCT FROM)\s*{_VALUE}"
    r"|(?:enabled|blocked)\b))"
)
_CASE = r"\bCASE\b(?:(?!\bCASE\b).)*?\bEND\b"
_REFUSAL = re.compile(
    rf"\b(?:IF|ELSIF)\s(?P<test>(?:{_CASE}|(?!\bTHEN\b|\bCASE\b).)*?)\sTHEN\s+RAISE\b", re.DOTALL
)


def cuts_of_sql(sql: str) -> list[Cut]:
    """Find every lock, status condition and refusal of a piece of SQL."""
    bare = _COMMENT.sub(lambda found: " " * len(found[0]), sql)
    cuts = [Cut("row lock", found.start(), found.end(), " ") for found in _ROW_LOCK.finditer(bare)]
    cuts += [
        Cut(
            "advisory lock",
            found.start(),
            found.end(),
            "0 < num_nonnulls(" if found[1] else "concat(",
        )
        for found in _ADVISORY.finditer(bare)
    ]
    cuts += [
        Cut("status condition", found.start("test"), found.end("test"), "true")
        for found in _STATUS.finditer(bare)
    ]
    for found in _REFUSAL.finditer(bare):
        start = found.start("test")
        # The last IF before the refusal: an outer block's condition is not this one's.
        start += max((inner.end() for inner in re.finditer(r"\bIF\s", found["test"])), default=0)
        cuts += [
            Cut("refusal", start + a, start + b, "false")
            for a, b in _alternatives(bare[start : found.end("test")])
        ]
    return cuts


def _alternatives(condition: str) -> list[tuple[int, int]]:
    """Return where each side of a condition's outermost ORs begins and ends."""
    depth, begin, parts, quoted = 0, 0, [], False
    for found in re.finditer(r"[()']|\bCASE\b|\bEND\b|\bOR\b", condition):
        word = found[0]
        if word == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif word in {"(", "CASE"}:
            depth += 1
        elif word in {")", "END"}:
            depth -= 1
        elif depth == 0:
            parts.append((begin, found.start()))
            begin = found.end()
    parts.append((begin, len(condition)))
    trimmed = []
    for a, b in parts:
        text = condition[a:b]
        left = a + len(text) - len(text.lstrip())
        trimmed.append((left, left + len(text.strip())))
    return trimmed
