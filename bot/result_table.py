"""Write what ads have brought as a table for spreadsheets (CSV)."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from db import currencies
from services.market.results import Result, Total

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes a cell that begins with one of these characters."""
_DAYS = ("day_utc", "clicks", "repeated_clicks", "program_requests")
_PLACEMENTS = (
    *("placement", "channel", "status", "published_at_utc", "price", "returned", "currency"),
    *("promised_hours", "seen_hours", "subscribers", "subscribers_on", "reactions"),
    "clicks_counted",
    *("clicks", "repeated_clicks", "program_requests", "price_per_click"),
)


def of_placement(result: Result) -> bytes:
    """Return the requests for the links of a placement, a row for each day with one."""
    return _write(_DAYS, [(day.day, day.clicks, day.repeats, day.bots) for day in result.days])


def of_campaign(results: Sequence[Result], currency: str) -> bytes:
    """Return a row for each placement. Amounts are in units of `currency`."""
    return _write(_PLACEMENTS, [_row(each, currency) for each in results])


def _row(result: Result, currency: str) -> tuple[object, ...]:
    total = Total([result])
    each = total.price_per_click
    published = result.published_at
    return (
        result.target_id,
        _text(result.channel_title),
        result.status.value,
        "" if published is None else f"{published:%Y-%m-%d %H:%M}",
        _amount(result.price, currency),
        _amount(result.returned, currency),
        currency,
        result.promised_hours,
        _known(result.kept_hours),
        _known(result.subscribers),
        _known(result.counted_on),
        _known(result.reactions),
        "yes" if result.is_tracked else "no",
        result.clicks if result.is_tracked else "",
        *(total.left_out if result.is_tracked else ("", "")),
        "" if each is None else _amount(each, currency),
    )


def _amount(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-currencies.exponent(currency))


def _known(value: object) -> object:
    return "" if value is None else value


def _text(text: str) -> str:
    """Return a text that no spreadsheet computes."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _write(names: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows(rows)
    return file.getvalue().encode("utf-8-sig")  # a spreadsheet needs the mark to read UTF-8
