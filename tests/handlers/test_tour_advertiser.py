"""Test that docs/tour-advertiser.md shows what people see, and that all its money adds up."""

import os
import re

import pytest

from db.session import Sessions
from tests.handlers import tour_advertiser_scene
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_advertiser_scene import AD, BETTER_AD, BOUGHT, READERS
from tests.handlers.write_tour import ADVERTISER_PAGE, WRITE

AMOUNT = r"\$(\d+\.\d\d)"
HELD = rf"is approved\. {AMOUNT} is held"
PAID = rf"You have been paid {AMOUNT} for"
BACK = rf"{AMOUNT} is back in your wallet[:.]"
ROW = re.compile(r"> \d+,.*,(\d+\.\d\d),(\d+\.\d\d),USD,.*,yes,(\d+),3,2,")
"""The price, the part that came back, and the clicks, in a row of the table of the campaign."""
BOOKED = """
    SELECT e.reason, sum(e.amount) FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id
    WHERE w.kind <> 'escrow' AND e.reference_id IN (
        SELECT t.id FROM campaign_targets t JOIN campaigns c ON c.id = t.campaign_id
        WHERE c.name = 'Sourdough') AND e.reason IN ('escrow_hold', 'payout', 'refund', 'fee')
    GROUP BY e.reason
"""


@pytest.mark.longest
@pytest.mark.usefixtures("with_own_login")
async def test_the_tour_is_what_people_see(
    market: Marketplace, redirect_sessions: Sessions
) -> None:
    async with tour_advertiser_scene.prepared(market, redirect_sessions) as tour:
        await tour.play()
    page = tour.record.page()
    if WRITE in os.environ:
        ADVERTISER_PAGE.write_text(page)
    assert page == ADVERTISER_PAGE.read_text(), "run make tour, and read what has changed"
    await _check_ends(market)
    await _check_money(market, page)


async def _check_ends(market: Marketplace) -> None:
    """Check how the placements and the complaints ended, and what was published."""
    ends = await market.rows(
        "SELECT t.status, e.returned > 0 AS split, t.version FROM campaign_targets t"
        " JOIN escrows e ON e.campaign_target_id = t.id JOIN campaigns c ON c.id = t.campaign_id"
        " WHERE c.name = 'Sourdough' ORDER BY t.id"
    )
    sold = ("posted", False, 1)
    assert [tuple(row.values()) for row in ends] == [
        *(("posted", False, 2), ("refunded", False, 1), sold, ("posted", True, 1)),
        *[sold] * (BOUGHT - 4),
    ]
    outcomes = await market.rows("SELECT outcome FROM complaints ORDER BY id")
    assert [row["outcome"] for row in outcomes] == ["satisfied", "split"]
    published = (await market.world.see("published"))["published"]
    texts = [message["text"] for message in published]
    assert (texts.count(AD), texts.count(BETTER_AD)) == (BOUGHT - 1, 1)


async def _check_money(market: Marketplace, page: str) -> None:
    """Compare the amounts that people read with the ledger, in minor units."""
    booked = {row["reason"]: int(row["sum"]) for row in await market.rows(BOOKED)}
    read = {
        "escrow_hold": -_sum(HELD, page),
        "payout": _sum(PAID, page),
        "refund": _sum(BACK, page),
    }
    read["fee"] = -sum(read.values())
    assert read == booked
    results = [
        (_minor(price), _minor(back), int(clicks)) for price, back, clicks in ROW.findall(page)
    ]
    assert len(results) == BOUGHT
    assert sum(price for price, _, _ in results) == -booked["escrow_hold"]
    assert sum(back for _, back, _ in results) == booked["refund"]
    assert sum(clicks for _, _, clicks in results) == sum(READERS)
    left = re.findall(rf"Available: {AMOUNT}", page)[-1]
    assert _minor(left) == await market.balance("advertiser")
    assert await market.value("SELECT sum(amount) FROM ledger_entries") == 0


def _sum(pattern: str, page: str) -> int:
    return sum(_minor(amount) for amount in re.findall(pattern, page))


def _minor(amount: str) -> int:
    return int(amount.replace(".", ""))
