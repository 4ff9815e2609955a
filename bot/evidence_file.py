"""Write the evidence about a complaint as one HTML page, which names no person."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from bot.screens import complaints as screens
from bot.screens import formats
from bot.screens.placements import post_address
from bot.texts import Texts
from services.market.complaint_evidence import Check, Evidence, Movement

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px sans-serif;max-width:50em;margin:2em auto;padding:0 1em}}
table{{border-collapse:collapse}}td{{border:1px solid #999;padding:.3em .6em;vertical-align:top}}
pre{{white-space:pre-wrap;border:1px solid #999;padding:1em}}</style></head>
<body><h1>{title}</h1>{parts}</body></html>
"""


def page(t: Texts, evidence: Evidence) -> bytes:
    """Return the page in the language and the time zone of `t`.

    Every text of a person or of Telegram is escaped, so nothing in it is markup or a script. Its
    size is limited by the length of an ad, of the words in each step, and by the number of checks.
    """
    case = evidence.case
    title = t("evidence-title", number=str(case.id), id=str(case.target_id))
    parts = [
        _section(t("evidence-agreed"), _agreed(t, evidence)),
        _section(
            t("evidence-checks", count=len(evidence.checks)),
            _paragraph(t("evidence-checks-how")) + _checks(t, evidence.checks),
        ),
        _section(t("evidence-above"), _paragraph(_above(t, evidence))),
        _section(
            t("evidence-steps"),
            "".join(_paragraph(screens.step(t, case, step)) for step in case.steps),
        ),
        _section(t("evidence-transfers"), _movements(t, evidence.movements)),
    ]
    text = _PAGE.format(language=t.language, title=escape(title), parts="".join(parts))
    return text.encode()


def summary(t: Texts, evidence: Evidence) -> str:
    """Return the short text that goes with the page."""
    verdicts = [check.verdict for check in evidence.checks]
    return t(
        "evidence-summary",
        number=str(evidence.case.id),
        id=str(evidence.case.target_id),
        checks=len(verdicts),
        seen=verdicts.count("present") + verdicts.count("stayed"),
        altered=verdicts.count("altered"),
        gone=verdicts.count("gone"),
        covered="no" if evidence.covered_at is None else t.time(evidence.covered_at),
    )


def _agreed(t: Texts, evidence: Evidence) -> str:
    def at(moment: datetime | None) -> str:
        return t.time(moment) if moment else t("unset")

    facts = t(
        "evidence-terms",
        version=evidence.version,
        price=t.money(evidence.case.price),
        stays=formats.stays(t, evidence),
        published=at(evidence.published_at),
        until=at(evidence.ends_at),
        paid=at(evidence.paid_after),
    )
    creative = evidence.creative
    if creative is None:
        return _paragraph(facts)
    lines = []
    for content in creative.messages:
        if content.kind != "text":
            lines.append(f"[{content.kind}]")
        lines += [content.text] if content.text else []
    if creative.button_text:
        lines.append(f"[{creative.button_text}] {creative.button_url}")
    return _paragraph(facts) + f"<pre>{escape(chr(10).join(lines))}</pre>"


def _checks(t: Texts, checks: Sequence[Check]) -> str:
    return _table(
        (
            t.time(check.at),
            t("evidence-verdict", verdict=check.verdict),
            ", ".join(check.altered_parts),
            check.evidence,
        )
        for check in checks
    )


def _above(t: Texts, evidence: Evidence) -> str:
    if evidence.covered_at is None or evidence.covered_by is None:
        return t("evidence-not-above", hours=evidence.hours_on_top)
    case = evidence.case
    address = post_address(case.channel_username, case.chat_id, evidence.covered_by)
    return t("placement-covered", at=t.time(evidence.covered_at), link=address)


def _movements(t: Texts, movements: Sequence[Movement]) -> str:
    return _table(
        (
            t.time(each.at),
            t("evidence-reason", reason=each.reason),
            t("evidence-wallet", wallet=each.wallet),
            t.money(each.amount),
        )
        for each in movements
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>"


def _table(rows: Iterable[Sequence[str]]) -> str:
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
