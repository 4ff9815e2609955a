"""Test that the pages about incidents, the alerts and the rules use the same words and orders."""

import ast
import re
from collections.abc import Iterator

import pytest

from bot.texts import LANGUAGES, Texts
from db.models.operations import Switch
from services.launch.steps import STEPS
from services.money.invariants import INVARIANTS
from services.money.rule_rows import LOOKS, NOTHING
from services.platform import reports
from services.platform.alert_conditions import BY_NAME, CONDITIONS
from tests.architecture.test_docs import headings
from tests.conftest import ROOT
from tests.drills import pages

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
INCIDENTS = pages.read()
ALERT = re.compile(r"\*\*(?P<words>.+?)\*\*(?P<urgent> \*)?<br>`(?P<name>\w+)`")
NAMED = re.compile(r"\[([A-Z][^\]]*)\]\(([^)#]*)#([^)]+)\)")
"""A link whose text begins with a capital letter, and so is the title of what it leads to."""
LATE_ESCROWS = "escrow_stuck"
"""The incident whose page has another order of the switches, and says why."""


def section(heading: str) -> str:
    """Return the part of the runbook below a heading, up to the next heading."""
    return re.split(r"(?m)^#+ ", RUNBOOK.partition(f" {heading}\n")[2])[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of the runbook, without the table's head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def first_words(text: str) -> str:
    """Return a text up to its first full stop or colon, as the alert's title."""
    return re.split("[.:]", text)[0]


def titles(text: str, page: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of the links in a page to headings, each with the heading's anchor."""
    for words, file, anchor in NAMED.findall(text):
        if (file or page) in {"runbook.md", "incidents.md"}:
            yield words, anchor


def test_switches_run_again_in_one_order() -> None:
    order = [row[0].strip("`") for row in rows("Run the switches again")]
    assert order == list(Switch)
    assert order == [step.switch for step in STEPS if step.switch is not None]
    launch = (ROOT / "docs/launch.md").read_text().partition("| phase |")[2].partition("\n\n")[0]
    before = [line.split(" | ")[1] for line in launch.splitlines() if line.startswith("| ")][1:]
    named = re.findall(r"`(\w+)`", " ".join(before))
    assert list(dict.fromkeys(name for name in named if name in order)) == order


@pytest.mark.parametrize("name", INCIDENTS)
def test_a_page_runs_the_switches_in_this_order(name: str) -> None:
    incident = INCIDENTS[name]
    steps = [what for command, what in (*incident.repair, *incident.verify) if " run " in command]
    named = [key for key in re.findall(r"`(\w+)`", " ".join(steps)) if key in set(Switch)]
    if name == LATE_ESCROWS:
        assert named == ["refunds", "worker_watchdogs"]
        assert incident.title in section("Run the switches again")
    elif name != "partial_payout":  # a correction is the repair, and needs `adjustments` first
        assert named == [key for key in Switch if key in named]


def test_the_table_of_alerts_has_the_words_of_the_alerts() -> None:
    t = Texts("en", "USD")
    found = {}
    for alert, _, command, then in rows("Alerts"):
        match = ALERT.fullmatch(alert)
        assert match, alert
        condition = BY_NAME[match["name"]]
        assert match["words"] == first_words(t("alert-what", name=condition.name))
        assert bool(match["urgent"]) is condition.urgent, condition.name
        assert command == f"`{condition.command}`", condition.name
        found[condition.name] = [words for words, _ in titles(then, "runbook.md")]
    assert set(found) == set(BY_NAME)
    for incident in INCIDENTS.values():
        if incident.alert:
            words = first_words(t("alert-what", name=incident.alert))
            assert incident.title == words
            assert found[incident.alert][0] == words
    pages_of_alerts = {links[0] for links in found.values() if links}
    assert pages_of_alerts <= {first_words(t("alert-what", name=name)) for name in BY_NAME}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_that_replaces_an_alert_begins_with_the_same_words(language: str) -> None:
    t = Texts(language, "USD")
    for condition in CONDITIONS:
        if condition.own_notice:
            notice = t(f"notice-{condition.name.replace('_', '-')}", id="7")
            words = first_words(t("alert-what", name=condition.name))
            assert notice.split(" ", 1)[1].startswith(words), condition.name
    waits = t("notice-watchdog-waits", count=1, targets="7")
    assert first_words(t("alert-what", name="escrows_late")) in waits


@pytest.mark.parametrize("page", ["runbook.md", "incidents.md"])
def test_links_to_a_page_have_its_title(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    linked = list(titles(text, page))
    assert linked
    assert [words for words, anchor in linked if headings(f"# {words}\n") != {anchor}] == []


def test_a_report_with_rows_that_must_not_be_names_a_page() -> None:
    for name, report in reports.REPORTS.items():
        file, heading = report.page.rstrip("”").split(", “")
        assert f"\n## {heading}\n" in (ROOT / file).read_text(), name


def rules() -> set[str]:
    """Return the names of all rules: the invariants, and the violations that services build."""
    found = {invariant.name for invariant in INVARIANTS}
    for path in sorted((ROOT / "services").rglob("*.py")):
        module = ast.parse(path.read_text())
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Violation":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    found.add(str(name.value))
    return found


def test_each_rule_says_what_its_rows_are() -> None:
    by_hand = {"deposit_unknown_to_telegram", "refund_unknown_to_telegram"}
    by_hand |= {"audit_chain_file_unset"}
    assert set(LOOKS) == rules() | by_hand
    told = {row[0].strip("`"): row[2:] for row in rows("What the rows of a rule are")}
    assert set(told) == set(LOOKS)
    for name, (what, command) in told.items():
        look = LOOKS[name]
        assert command == f"`{look.command}`", name
        words = {"excess_payment": "payment in excess", NOTHING: "0: no single row"}
        beside = "" if look.column == "ref" else f" (its wallet: `{look.column}`)"
        assert what == words.get(look.what, look.what) + beside, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_line_about_a_rule_names_its_rows(language: str) -> None:
    t = Texts(language, "USD")
    words = {
        look.what: t("rule-line", name="x", what=look.what, refs="7", command="none")
        for look in LOOKS.values()
    }
    assert words.pop(NOTHING) == "• x"
    assert len(set(words.values())) == len(words)
    assert all("7" in line and line != "• x: 7" for line in words.values())
