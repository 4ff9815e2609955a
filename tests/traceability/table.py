"""Read `docs/traceability.toml`, and write it as the page `docs/traceability.md`.

`python -m tests.traceability.table` writes the page.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "traceability.toml"
PAGE = ROOT / "docs" / "traceability.md"
DOCUMENTS = {"checklist": "Production checklist", "plan": "Production safety plan"}
"""The titles of the two documents by the names that the table uses."""
HEAD = """\
# From the requirements to the code

The product was asked for by two documents: a production checklist and a production safety plan.
Each of their lines is a row here, with its proof and its place. A test runs every command of this
page on a running product, and looks for every test, file, alert and metric that the page names.

This page is made from [traceability.toml](traceability.toml) by `make traceability`.

The documents describe an older HTTP service. For its endpoints there are buttons and commands:

| older endpoint | here |
| --- | --- |
"""


@dataclass(frozen=True)
class Line:
    """A line of one of the documents."""

    line: str
    proofs: Sequence[str]
    """The proofs of the line: a kind (`test`, `make`, `file`, ...) and a name, or a command."""
    where: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A section of one of the documents."""

    document: str
    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Table:
    """The sections of both documents, and what replaces the endpoints of the older service."""

    sections: Sequence[Section]
    endpoints: dict[str, str]

    def proofs(self, kind: str) -> list[str]:
        """Return the sorted proofs of a kind, for example `adtech`, without repetitions."""
        found = {
            proof for section in self.sections for line in section.lines for proof in line.proofs
        }
        return sorted(proof for proof in found if kind_of(proof) == kind)


def kind_of(proof: str) -> str:
    """Return the kind of a proof: its first word, or `chat` for a command of the bot."""
    return "chat" if proof.startswith("/") else proof.partition(" ")[0]


def read() -> Table:
    """Read the table. Raises KeyError or TypeError for a row with a missing or an unknown field."""
    content = tomllib.loads(TABLE.read_text())
    return Table(
        [
            Section(row["document"], row["title"], [Line(**line) for line in row["lines"]])
            for row in content["sections"]
        ],
        content["endpoints"],
    )


def page(table: Table) -> str:
    """Return the page as Markdown."""
    parts = [HEAD, *(f"| `{old}` | {here} |\n" for old, here in table.endpoints.items())]
    for document, sections in groupby(table.sections, key=lambda section: section.document):
        parts.append(f"\n## {DOCUMENTS[document]}\n")
        for section in sections:
            parts.append(
                f"\n### {section.title}\n\n| line | proof | where |\n| --- | --- | --- |\n"
            )
            parts += map(_row, section.lines)
    return "".join(parts)


def _row(line: Line) -> str:
    text = f"{line.line}<br>{line.note}" if line.note else line.line
    proofs = "<br>".join(
        f"`{proof.removeprefix('test ').removeprefix('file ')}`" for proof in line.proofs
    )
    return f"| {text} | {proofs} | {line.where} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(read()))
