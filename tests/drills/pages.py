"""Read the incidents of the runbook from `docs/incidents.toml`, and write them as a page.

`python -m tests.drills.pages` writes `docs/incidents.md`. The drills run the commands of the table,
so the page has no command that nobody has tried.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "incidents.toml"
PAGE = ROOT / "docs" / "incidents.md"
PARTS = {"see": "See", "stop": "Stop", "repair": "Repair", "verify": "Verify"}
"""The headings of each incident, by their names in the table."""
_HEAD = """\
# Incidents

Each incident has the same four parts: see, stop, repair, verify. If money may move wrongly and you
do not know why, stop everything first: `adtech stop all REASON --as ID`, or `/stop` in the admin
chat.

Words in capitals stand for your values: `ID` is your Telegram id, and `REASON` is a text, in quotes
in a shell and without them in the chat. Who may sign, close and run:
[Who repairs the ledger](runbook.md#who-repairs-the-ledger).
"From the top down" is [the order](runbook.md#run-the-switches-again) in which switches run again.
Commands that begin with `/` are written in the admin chat, the others in a shell with
`DATABASE_URL`. `adtech check` also needs `CLOCK_DATABASE_URL`, and `adtech repair` and
`adtech restore` need `MIGRATION_DATABASE_URL`. If a command says that somebody has to press **That
was me**, its card comes into the admin chat within seconds.

`make drills` causes each incident in a product of its own, and runs these commands. To practise,
`make exercise` causes one without saying which, and checks your repair. This page is made from
[incidents.toml](incidents.toml) by `make incidents`; the [runbook](runbook.md) explains more. After
an incident, write a [post-mortem](post-mortem.md). If a new release is the cause, see
[rollback.md](rollback.md).

Some titles are the sentence of an alert in the admin chat. For all alerts, see
[the table](runbook.md#alerts):

"""


@dataclass(frozen=True)
class Incident:
    """An incident of the runbook. Each part has pairs of a command and what it is for."""

    name: str
    title: str
    sign: str
    see: list[tuple[str, str]]
    stop: list[tuple[str, str]]
    repair: list[tuple[str, str]]
    verify: list[tuple[str, str]]
    alert: str = ""
    """The name of the alert that says the incident, if there is one. Its words are the title."""

    @property
    def commands(self) -> set[str]:
        """Return all commands of the page. A step without a command is left out."""
        steps = (*self.see, *self.stop, *self.repair, *self.verify)
        return {command for command, _ in steps if command}


def read() -> dict[str, Incident]:
    """Read the incidents by name. Raises TypeError for a missing or an unknown field."""
    content = tomllib.loads(TABLE.read_text())
    return {name: Incident(name=name, **fields) for name, fields in content.items()}


def page(incidents: dict[str, Incident]) -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    parts += [f"- [{each.title}](#{_anchor(each.title)})\n" for each in incidents.values()]
    for incident in incidents.values():
        parts.append(f"\n## {incident.title}\n\n{incident.sign}\n")
        for name, heading in PARTS.items():
            parts.append(f"\n### {heading}\n\n")
            parts += [_step(*step) for step in getattr(incident, name)]
    return "".join(parts)


def _anchor(title: str) -> str:
    """Return the name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _step(command: str, purpose: str) -> str:
    return f"- `{command}`: {purpose}\n" if command else f"- {purpose}\n"


if __name__ == "__main__":
    PAGE.write_text(page(read()))
