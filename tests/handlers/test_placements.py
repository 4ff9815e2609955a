"""Test that an advertiser takes a waiting placement back."""

from tests.handlers.marketplace import Marketplace


async def test_a_waiting_placement_is_taken_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.submit()
    await market.press("advertiser", "🗑 Take it back")
    assert "taken back" in await market.last("advertiser")
    assert "taken back" not in await market.last("group")
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "can't be done now" in alert


async def test_an_old_screen_shows_that_the_placement_is_approved(market: Marketplace) -> None:
    await market.submitted()
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "⏳ #")
    await market.press("admin", "✅ Approve", where="group")
    alert = await market.press("advertiser", "🗑 Take it back")
    assert "The present state: approved" in alert
    assert "approved, waits to be published" in await market.last("advertiser")
    assert "🗑 Take it back" not in await market.buttons("advertiser")
