"""Test that the acts of the audit log have words in each language."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from bot.texts import LANGUAGES
from db.models.corrections import CorrectionStatus
from db.models.posting import Verdict
from db.models.users import RequestStatus, Role
from tests.architecture.test_texts import words
from tests.conftest import ROOT

_ACT = re.compile(r"[a-z]+(_[a-z]+)+")
_ACT_IN_SQL = re.compile(r"(?<=['{,])([a-z]+(?:_[a-z]+)+)(?=['},])")
_AUDITING = frozenset({"record", "_audit", "_move", "_record", "_record_and_notify", "_mark"})
"""The functions that get the name of an act of the audit log."""
_STATUSES_OF_ACTS: Mapping[str, Sequence[str]] = {
    "target_": ("expired",),
    "request_": ("asked", *RequestStatus),
    "correction_": (*CorrectionStatus,),
    "post_": (*Verdict,),
}
"""The beginnings of the acts whose end is a status, with the statuses."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_of_the_audit_log_has_words(language: str) -> None:
    assert acts() - words(language, "audit-act") == set()


def acts() -> set[str]:
    """Return the names of acts that the code and the database functions write as audit rows."""
    found = {prefix + status for prefix, all_ in _STATUSES_OF_ACTS.items() for status in all_}
    for path in sorted((ROOT / "services").rglob("*.py")):
        text = path.read_text()
        found |= set(re.findall(r"INSERT INTO user_audit_logs[^']*SELECT '(\w+)'", text))
        if "audit.record" in text:
            found |= set(acts_of(ast.parse(text)))
    for path in sorted((ROOT / "db/functions").glob("*.sql")):
        text = path.read_text()
        for statement in text.split("INSERT INTO user_audit_logs")[1:]:
            found |= set(_ACT_IN_SQL.findall(statement.partition("jsonb_build_object")[0]))
        for chosen in re.findall(r"actions := (.*?);", text, re.DOTALL):
            found |= set(_ACT_IN_SQL.findall(chosen))
    return found - set(Role)


def acts_of(module: ast.Module) -> Iterator[str]:
    """Yield the names of acts that a module writes, and check the acts that end with a status."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"action", "_RESCUED"}:
            yield from _acts_in(node.value)
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in _AUDITING:
            given = [each.value for each in node.keywords if each.arg == "action"]
            for each in (*node.args, *given):
                yield from _acts_in(each)


def _acts_in(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.JoinedStr):
        assert getattr(value.values[0], "value", "") in _STATUSES_OF_ACTS, ast.unparse(value)
    for each in ast.walk(value) if not isinstance(value, ast.JoinedStr) else ():
        if isinstance(each, ast.Constant) and _ACT.fullmatch(str(each.value)):
            yield str(each.value)
