"""Test the owner's screen of the earnings by week, and its picture."""

from datetime import timedelta

from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import publish_ad, release

EARNINGS = "📈 My earnings"
PICTURE = "🖼 Picture"


async def _open(market: Marketplace) -> str:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", EARNINGS)
    return await market.last("owner")


async def test_an_owner_sees_the_earnings_of_each_week_and_a_picture(market: Marketplace) -> None:
    await publish_ad(market)
    await release(market)
    shown = await _open(market)
    assert "earned $45.00" in shown
    assert "$45.00 · 1 placement" in shown
    assert len(shown.splitlines()) == 2
    await market.press("owner", PICTURE)
    photo = (await market.messages("owner"))[-1]
    assert photo["media"]
    assert "highest bar is $45.00" in photo["caption"]
    await market.database.forward(timedelta(weeks=1))
    lines = (await _open(market)).splitlines()
    assert "$0.00 · 0 placements" in lines[1]
    assert "$45.00 · 1 placement" in lines[2]
    await market.database.forward(timedelta(weeks=12))
    assert "earned nothing" in await _open(market)


async def test_a_new_owner_reads_when_money_comes(market: Marketplace) -> None:
    await market.connect_channel()
    assert "You are paid when" in await _open(market)
    assert PICTURE not in await market.buttons("owner")
