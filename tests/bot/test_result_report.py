"""Test the page about results that an advertiser shows to others."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from bot import result_report
from bot.texts import Texts
from db.models.campaigns import Campaign, TargetStatus
from services.market.results import Total
from tests.bot.test_result_table import PLAIN, TRACKED

NOW = datetime(2026, 5, 3, tzinfo=UTC)
EVIL = "<script>alert(1)</script>\"'&"


class Tags(HTMLParser):
    """The tags of a page with their attributes, and the words between them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the last open tag."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep words."""
        self.words += data


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_stands_alone_and_says_everything(language: str) -> None:
    t = Texts(language, "USD")
    campaign = Campaign(name=EVIL)
    rows = [replace(TRACKED, channel_title=EVIL), PLAIN]
    page = result_report.of_campaign(t, campaign, Total(rows), NOW)
    read = Tags(page)
    assert read.open == []
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "iframe", "object", "form", "a"}
    addresses = [attrs["src"] or "" for tag, attrs in read.tags if tag == "img"]
    assert len(addresses) == 1
    assert addresses[0].startswith("data:image/png;base64,")
    assert not re.search(rb"https?://", page)
    assert b"@media print" in page
    for known in ("#7", "#8", t.money(5_000), t.money(1_250), "1200", "24 / 24", "4"):
        assert known in read.words
    assert read.words.count(EVIL) == 3  # the title, the heading and the row
    assert t("result-page-not-counted") in read.words
    assert t("result-page-how", repeats=1, bots=2) in read.words
    assert ("ru" if language == "ru" else "en") in page.decode()[:60]


def test_a_page_without_clicks_has_no_picture_and_a_refund_is_named() -> None:
    t = Texts("en", "USD")
    row = replace(TRACKED, days=(), status=TargetStatus.REFUNDED)
    read = Tags(result_report.of_placement(t, row, NOW))
    assert "img" not in {tag for tag, _ in read.tags}
    assert "$50.00 ($50.00 came back)" in read.words
    assert "Result of placement #7" in read.words
    untracked = Tags(result_report.of_placement(t, replace(row, is_tracked=False), NOW))
    assert untracked.words.count("not counted") == 2
