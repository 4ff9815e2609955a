"""Test the table of results for spreadsheets."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime

from bot import result_table
from db.models.campaigns import TargetStatus
from services.market.results import Day, Result

TRACKED = Result(
    target_id=7,
    channel_title='=HYPERLINK("https://evil.example")',
    price=5_000,
    status=TargetStatus.POSTED,
    promised_hours=24,
    published_at=datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
    kept_hours=24,
    subscribers=1_200,
    counted_on=date(2026, 5, 1),
    is_tracked=True,
    reactions=12,
    days=(Day(date(2026, 5, 1), 3, 1, 2), Day(date(2026, 5, 2), 1, 0, 0)),
)
PLAIN = Result(8, "Café, “News”", 100, TargetStatus.APPROVED, 24, None, None, None, None, False)  # noqa: FBT003 - a row of values


def read(table: bytes) -> list[list[str]]:
    """Return the rows of a table."""
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))


def test_a_placement_has_a_row_for_each_day() -> None:
    assert read(result_table.of_placement(TRACKED)) == [
        ["day_utc", "clicks", "repeated_clicks", "program_requests"],
        ["2026-05-01", "3", "1", "2"],
        ["2026-05-02", "1", "0", "0"],
    ]
    assert len(read(result_table.of_placement(PLAIN))) == 1


def test_a_campaign_has_a_row_for_each_placement() -> None:
    head, tracked, plain = read(result_table.of_campaign([TRACKED, PLAIN], "USD"))
    row = dict(zip(head, tracked, strict=True))
    assert (row["price"], row["currency"], row["price_per_click"]) == ("50.00", "USD", "12.50")
    assert row["returned"] == "0.00"
    assert (row["clicks"], row["repeated_clicks"], row["program_requests"]) == ("4", "1", "2")
    assert (row["reactions"], row["clicks_counted"]) == ("12", "yes")
    assert (row["published_at_utc"], row["subscribers_on"]) == ("2026-05-01 12:30", "2026-05-01")
    assert row["channel"] == '\'=HYPERLINK("https://evil.example")'  # no spreadsheet computes it
    other = dict(zip(head, plain, strict=True))
    assert (other["reactions"], other["clicks_counted"]) == ("", "no")
    assert (other["channel"], other["clicks"], other["seen_hours"]) == ("Café, “News”", "", "")
    split = replace(TRACKED, split_back=2_000)
    assert read(result_table.of_campaign([split], "XTR"))[1][4:6] == ["5000", "2000"]
    refunded = replace(TRACKED, status=TargetStatus.REFUNDED)
    assert read(result_table.of_campaign([refunded], "USD"))[1][5] == "50.00"
