"""Test that docs/tour.md shows what people see, and that its scene ends as it says."""

import os

import pytest

from tests.handlers import tour_scene
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_scene import BETTER_BICYCLES, BICYCLES, BREAD, COURSES
from tests.handlers.write_tour import PAGE, WRITE


@pytest.mark.longest
async def test_the_tour_is_what_people_see(market: Marketplace) -> None:
    record = await tour_scene.play(market)
    if WRITE in os.environ:
        PAGE.write_text(record.page())
    assert record.page() == PAGE.read_text(), "run make tour, and read what has changed"
    await _check_posts(market)
    await _check_money(market)


async def _check_posts(market: Marketplace) -> None:
    """Check that each ad was published once, and neither the declined one nor a first version."""
    published = (await market.world.see("published"))["published"]
    texts = sorted(message["text"] for message in published)
    assert texts == sorted([BREAD, BREAD, COURSES, COURSES, BETTER_BICYCLES])
    assert BICYCLES not in texts
    left = [message["text"] for message in await market.messages("channel") if message["text"]]
    assert left == [COURSES, BREAD], "one ad of the three was taken down"
    assert await market.rows("SELECT status FROM removals") == [{"status": "done"}]


async def _check_money(market: Marketplace) -> None:
    placements = await market.rows(
        "SELECT t.version, t.status, e.status AS escrow FROM campaign_targets t"
        " LEFT JOIN escrows e ON e.campaign_target_id = t.id ORDER BY t.id"
    )
    sold, declined = ("posted", "released"), ("rejected", None)
    assert [(row["status"], row["escrow"]) for row in placements] == [*[sold] * 4, declined, sold]
    assert [row["version"] for row in placements] == [1, 1, 1, 1, 1, 2]
    balances = {who: await market.balance(who) for who in tour_scene.PEOPLE if who != "manager"}
    assert balances == {
        "owner": 7_900,
        "advertiser": 7_000,
        "advertiser2": 17_000,
        "advertiser3": 5_000,
        "admin": 0,
    }
    assert await market.withdrawal_statuses() == ["paid"]
    revenue = await market.value("SELECT sum(balance) FROM wallets WHERE kind = 'revenue'")
    assert revenue == 3_100
