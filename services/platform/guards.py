"""Compare the guards of the database (triggers, rights, functions, ...) with those of the release.

`db/guards.json` has the guards of the release, and `db/guards.sql` reads those of the database.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db import role_names
from services.platform import guard_repairs

FOLDER = Path(__file__).parents[2] / "db"
QUERY = (FOLDER / "guards.sql").read_text()
RELEASE = FOLDER / "guards.json"
INCIDENTS = ("guard_missing", "schema_differs")
"""The kinds of incidents about guards. The first one freezes the money."""
REVISION = "revision"
CACHE_SECONDS = 60.0
"""How long a readiness check uses the result of one comparison, in real time."""
_FREEZING = frozenset({"trigger", "constraint", "index", "function", "view", "table", "rule"})
"""The kinds of guards without which money may move unguarded."""
_FREEZING_IF_ADDED = frozenset({"trigger", "rule", "membership", "setting"})
_READING = ("SELECT ",)
_FOUND = text(QUERY)
_ROLE_NAME = text("SELECT role_name(:job)")
_NOW_AT = text("SELECT max(version_num) FROM alembic_version")
_RECORD = text("SELECT record_guard_faults(:freezes, :facts)").bindparams(
    bindparam("facts", type_=JSONB)
)

Guards = dict[str, dict[str, str]]
"""The definitions of guards, by kind and name."""
Release = dict[str, dict[str, list[str]]]
"""The definitions that the release accepts, by kind and name.

PostgreSQL prints some conditions in another form after a restore. The first definition is the one
after a migration.
"""


@dataclass(frozen=True)
class Difference:
    """One guard of the database that differs from the release."""

    what: Literal["missing", "changed", "added"]
    kind: str
    name: str
    repair: str
    """The command that puts the guard back, for the owner's role in `psql` or for a shell."""

    @property
    def freezes(self) -> bool:
        """Whether money may move unguarded, so that it has to be stopped."""
        if self.what == "added":
            writes = self.kind == "right" and not self.name.startswith(_READING)
            return writes or self.kind in _FREEZING_IF_ADDED
        changed_role = self.kind == "role" and self.what == "changed"
        return changed_role or self.kind in _FREEZING

    def __str__(self) -> str:
        """Say what differs, for example `trigger wallets.opened_empty is missing`."""
        words = {
            "missing": "is missing",
            "changed": "has changed",
            "added": "is not in the release",
        }
        return f"{self.kind} {self.name} {words[self.what]}"


def as_guards(rows: Sequence[Any]) -> Guards:
    """Return the rows of `QUERY` by kind and name. A repeated name gets all its definitions."""
    guards: Guards = {}
    for kind, name, definition, _ in rows:
        of_kind = guards.setdefault(kind, {})
        both = [of_kind[name], definition or ""] if name in of_kind else [definition or ""]
        of_kind[name] = "; ".join(sorted(both))
    return guards


async def compare(session: AsyncSession) -> list[Difference]:
    """Return what differs between the guards of the database and those of the release.

    A database of another revision is not compared: the result is then one difference of the kind
    `revision`. Writes and locks nothing. Each login except `adtech_intake` may call it.
    """
    revision = await session.scalar(_NOW_AT)
    if revision != _content()[REVISION]:
        repair = "alembic upgrade head, or use the release of this revision"
        return [Difference("changed", REVISION, str(revision), repair)]
    rows = (await session.execute(_FOUND)).all()
    removals = {(kind, name): remove for kind, name, _, remove in rows}
    differences = find_differences(release(), as_guards(rows), removals)
    if not differences:
        return []
    names = {job: await session.scalar(_ROLE_NAME, {"job": job}) for job in role_names.JOBS}
    return [
        replace(
            each,
            name=role_names.rename(each.name, names),
            repair=role_names.rename(each.repair, names),
        )
        for each in differences
    ]


def find_differences(
    expected_guards: Release,
    found: Guards,
    removals: Mapping[tuple[str, str], str | None],
) -> list[Difference]:
    """Return the guards in `found` that differ from the expected ones.

    `removals` has the command that removes a found guard. A login that does not exist, and what
    only this login would have, is no difference.
    """
    roles = found.get("role", {})
    absent = [
        f" {word} {name}"
        for name in expected_guards.get("role", {})
        if name not in roles
        for word in ("TO", "of")
    ]
    differences = []
    for kind in sorted({*expected_guards, *found}):
        expected, present = expected_guards.get(kind, {}), found.get(kind, {})
        for name in sorted({*expected, *present}):
            accepted = expected.get(name, [])
            if name in present and present[name] in accepted:
                continue
            if name not in present and (kind == "role" or name.endswith(tuple(absent))):
                continue
            what: Literal["missing", "changed", "added"] = (
                "missing" if name not in present else "changed"
            )
            if name not in expected:
                what = "added"
            repair = guard_repairs.command(
                kind,
                name,
                accepted[0] if accepted else None,
                present.get(name),
                removals.get((kind, name)),
            )
            differences.append(Difference(what, kind, name, repair))
    return differences


def of_same_revision(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences, except the one that says that the database has another revision.

    While a release is deployed or rolled back, another revision is no fault.
    """
    return [each for each in differences if each.kind != REVISION]


async def record(session: AsyncSession, differences: Sequence[Difference]) -> None:
    """Open an incident about those differences that no open incident has.

    The database notifies the admin chat. If a guard of money is concerned, new holds, payouts,
    refunds, withdrawals and adjustments are stopped. Another revision opens no incident: a
    deployment is under way. Waits for no lock that another session can hold for long.
    """
    for freezes in (True, False):
        facts: dict[str, list[dict[str, str]]] = {}
        for each in of_same_revision(differences):
            if each.freezes is freezes:
                facts.setdefault(each.kind, []).append(
                    {
                        "ref": f"{each.kind} {each.name}",
                        "kind": each.what,
                        "repair": each.repair,
                    }
                )
        if facts:
            await session.execute(_RECORD, {"freezes": freezes, "facts": facts})


class CachedComparison:
    """The result of the last comparison, for a caller that asks often."""

    def __init__(self, seconds: float = CACHE_SECONDS) -> None:
        """Create an empty cache, whose results are used for `seconds`."""
        self._seconds = seconds
        self._compared_at: float | None = None
        self._differences: list[Difference] = []

    async def differences(self, session: AsyncSession) -> list[Difference]:
        """Return the differences, compared now or at most `seconds` ago (see `compare`)."""
        now = time.monotonic()
        if self._compared_at is None or now - self._compared_at > self._seconds:
            self._differences = await compare(session)
            self._compared_at = now
        return self._differences


def release() -> Release:
    """Return the guards of the release."""
    guards: Release = _content()["guards"]
    return guards


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(RELEASE.read_text())
    return content
