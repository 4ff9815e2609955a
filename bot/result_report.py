"""Write what ads have brought as a page that is shown or printed without any other file."""

import base64
from collections.abc import Sequence
from datetime import datetime
from html import escape

from bot import bar_chart
from bot.texts import Texts
from db.models.campaigns import Campaign
from services.market.results import Result, Total

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:60em;margin:2em auto;
padding:0 1em}h1{font-size:1.5em;margin:0}h2{font-size:1.1em}p.made,p.how{color:#666}
dl{display:flex;flex-wrap:wrap;gap:1em 3em}dt{color:#666}dd{margin:0;font-size:1.6em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4em .6em;
border-bottom:1px solid #ddd;overflow-wrap:anywhere}td.n,th.n{text-align:right;white-space:nowrap}
img{max-width:100%;height:auto}@media print{body{margin:0;font-size:11px}tr,img{break-inside:avoid}}
"""
_COLUMNS = (
    *("placement", "channel", "published", "price", "kept", "subscribers", "reactions"),
    *("clicks", "price-per-click"),
)
_NUMBERS = 3
"""The columns from this one on hold numbers."""


def of_placement(t: Texts, result: Result, now: datetime) -> bytes:
    """Return the page about one placement."""
    title = t("result-page-title-placement", id=str(result.target_id))
    return _page(t, title, Total([result]), now)


def of_campaign(t: Texts, campaign: Campaign, total: Total, now: datetime) -> bytes:
    """Return the page about the published placements of a campaign."""
    return _page(t, t("result-page-title-campaign", campaign=campaign.name), total, now)


def _page(t: Texts, title: str, total: Total, now: datetime) -> bytes:
    repeats, bots = total.left_out
    heads = "".join(
        f"<th{_class(number)}>{escape(t('result-page-column', name=name))}</th>"
        for number, name in enumerate(_COLUMNS)
    )
    lines = "".join(_row(_cells(t, each)) for each in total.results)
    parts = [
        f'<!doctype html><html lang="{escape(t.language)}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="made">{escape(t("result-page-made", at=t.time(now)))}</p>',
        _summary(t, total),
        _chart(t, total),
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>",
        f'<p class="how">{escape(t("result-page-how", repeats=repeats, bots=bots))}</p>',
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _summary(t: Texts, total: Total) -> str:
    facts = [("price", t.money(total.price)), *_reactions(total), *_measured(t, total)]
    shown = (
        f"<div><dt>{escape(t('result-page-column', name=name))}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts
    )
    return f"<dl>{''.join(shown)}</dl>"


def _reactions(total: Total) -> Sequence[tuple[str, str]]:
    """Return the median of the reactions of several posts, or the number of one."""
    if total.median_reactions is None:
        return []
    name = "reactions" if len(total.results) == 1 else "median-reactions"
    return [(name, str(total.median_reactions))]


def _measured(t: Texts, total: Total) -> Sequence[tuple[str, str]]:
    if not total.measured:
        return [("clicks", t("result-page-not-counted"))]
    each = total.price_per_click
    price = [] if each is None else [("price-per-click", t.money(each))]
    return [("clicks", str(total.clicks)), *price]


def _chart(t: Texts, total: Total) -> str:
    by_day = total.clicks_by_day
    if not total.clicks:
        return ""
    picture = bar_chart.draw([day for day, _ in by_day], [clicks for _, clicks in by_day])
    data = base64.b64encode(picture).decode()
    words = ", ".join(f"{t.day(day)}: {clicks}" for day, clicks in by_day)
    return (
        f"<h2>{escape(t('result-page-clicks-by-day'))}</h2>"
        f'<img src="data:image/png;base64,{data}" alt="{escape(words)}">'
    )


def _cells(t: Texts, row: Result) -> Sequence[str]:
    unknown = t("result-page-unknown")
    total = Total([row])
    each = total.price_per_click
    back = f" ({t('result-page-back', amount=t.money(row.returned))})" if row.returned else ""
    return (
        f"#{row.target_id}",
        row.channel_title,
        unknown if row.published_at is None else t.time(row.published_at),
        f"{t.money(row.price)}{back}",
        unknown if row.kept_hours is None else f"{row.kept_hours} / {row.promised_hours}",
        unknown if row.subscribers is None else str(row.subscribers),
        unknown if row.reactions is None else str(row.reactions),
        str(row.clicks) if row.is_tracked else t("result-page-not-counted"),
        "" if each is None else t.money(each),
    )


def _row(cells: Sequence[str]) -> str:
    shown = (f"<td{_class(number)}>{escape(cell)}</td>" for number, cell in enumerate(cells))
    return f"<tr>{''.join(shown)}</tr>"


def _class(number: int) -> str:
    return ' class="n"' if number >= _NUMBERS else ""
