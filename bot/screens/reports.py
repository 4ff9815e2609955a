"""Build the screens of the operators' reports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.callbacks import OnUncertainPost, ResolutionAct
from bot.operator_callbacks import DrawReport, ShowReport
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.money import STARS
from services.platform import reports

_MONEY = frozenset(
    {"amount", "balance", "held", "ledger_sum", "newly_held", "released_or_refunded", "revenue"}
)
"""The columns whose values are amounts in minor units."""
_STATUSES = frozenset({"status", "job_status", "state"})
"""The columns whose values are words for states."""
_SAY_ALL = frozenset({"status", "action", "day", "date", "kind"})
"""The first columns that need no name."""
UNCERTAIN = "uncertain"
"""The report whose rows have a button each, which opens the card of the post."""
DRAWN: Mapping[str, str] = {"revenue_by_day": "revenue", "held_by_day": "held"}
"""The reports with a picture, each with the column that the picture shows."""
_LONGEST = 80
"""A longer text is cut on the screen. `adtech report` prints it in full."""
_PER_LINE = 2
"""How many reports stand beside each other in the menu."""


def menu(t: Texts, unknown: str = "") -> Outgoing:
    """Build the list of reports. `unknown` is a name that somebody wrote and that no report has."""
    names = list(reports.REPORTS)
    lines: list[Sequence[InlineKeyboardButton]] = [
        [
            button(t("report-name", name=name), ShowReport(name=name))
            for name in names[first : first + _PER_LINE]
        ]
        for first in range(0, len(names), _PER_LINE)
    ]
    text = t("report-unknown", name=unknown) if unknown else t("reports")
    return Outgoing(text, rows(*lines))


def report(t: Texts, name: str, found: reports.Rows, page_number: int) -> Outgoing:
    """Build one page of a report. A row that must not exist has a warning sign."""
    page = Page(found, page_number)
    is_wrong = reports.REPORTS[name].is_wrong
    lines = [t("report", title=t("report-name", name=name), name=name), ""]
    currency = STARS if name == "unbooked_stars" else t.currency
    shown = replace(t, currency=currency)
    lines += [_row(shown, name, row, wrong=is_wrong(row)) for row in page.rows]
    if not page.rows:
        lines.append(t("report-empty"))
    if any(map(is_wrong, page.rows)):
        lines += ["", t("report-wrong", page=reports.REPORTS[name].page)]
    cards: list[list[InlineKeyboardButton]] = []
    if name == UNCERTAIN and page.rows:
        lines += ["", t("report-uncertain-next")]
        cards = [[_card_button(t, row)] for row in page.rows]
    return Outgoing(
        "\n".join(lines),
        rows(
            *cards,
            page.buttons(t, lambda number: ShowReport(name=name, page=number)),
            [button(t("report-draw"), DrawReport(name=name))] if name in DRAWN else [],
            [button(t("report-again"), ShowReport(name=name, page=page_number))],
            [button(t("back"), ShowReport())],
        ),
    )


def caption(t: Texts, name: str, found: Sequence[Mapping[str, Any]]) -> str:
    """Return the text below the picture of a report: its name, and its largest and last value."""
    column = DRAWN[name]
    largest = max(found, key=lambda row: row[column])
    last = max(found, key=lambda row: row["day"])
    return t(
        "report-caption",
        title=t("report-name", name=name),
        largest=t.money(largest[column]),
        largest_day=largest["day"].isoformat(),
        last=t.money(last[column]),
        last_day=last["day"].isoformat(),
    )


def _card_button(t: Texts, row: Mapping[str, Any]) -> InlineKeyboardButton:
    """Make the button that opens the card on which an admin decides about an uncertain post."""
    target_id = row["campaign_target_id"]
    # The card has the number of the present claim itself.
    action = OnUncertainPost(act=ResolutionAct.CARD, id=target_id, claim=0)
    return receipt_button(t("report-uncertain-card", id=str(target_id)), action)


def _row(t: Texts, name: str, row: Mapping[str, Any], *, wrong: bool) -> str:
    """Write a row as one paragraph: the first column, then the names and values of the others.

    `name` is the name of the report.
    """
    (column, first), *others = row.items()
    cells = [_named(t, other, value) for other, value in others if value is not None]
    mark = "⚠️" if wrong else "•"
    return f"{mark} {_first(t, name, column, first)}" + (" — " + ", ".join(cells) if cells else "")


def _first(t: Texts, report: str, column: str, value: Any) -> str:
    if column == "id":
        return t("report-id", report=report, id=str(value))
    return _cell(t, column, value) if column in _SAY_ALL else _named(t, column, value)


def _named(t: Texts, column: str, value: Any) -> str:
    return t("report-cell", name=column, value=_cell(t, column, value))


def _cell(t: Texts, column: str, value: Any) -> str:
    if isinstance(value, bool):
        return t("report-yes-no", value="yes" if value else "no")
    if column in _MONEY:
        return t.money(value)
    if isinstance(value, datetime):
        return t.time(value)
    if isinstance(value, date):
        return f"{value.isoformat()} UTC"
    return _words(t, column, " ".join(str(value).split()))


def _words(t: Texts, column: str, shown: str) -> str:
    """Return a cell with a text: a word of the product in the reader's language, or the text."""
    if column in _STATUSES:
        return t("state", status=shown)
    if column == "action":
        return t("audit-act", name=shown)
    if column == "kind":
        return t("report-kind", kind=shown)
    return names.shorten(shown, _LONGEST)
