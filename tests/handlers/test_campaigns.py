"""Test that an advertiser cancels a campaign with the buttons below its details."""

from tests.handlers.marketplace import Marketplace


async def test_a_campaign_is_cancelled_after_a_question(market: Marketplace) -> None:
    await market.make_campaign()
    await market.press("advertiser", "🗑 End the campaign")
    assert await market.value("SELECT status FROM campaigns") == "active"
    await market.press("advertiser", "🗑 Yes, end it")
    assert await market.value("SELECT status FROM campaigns") == "cancelled"
