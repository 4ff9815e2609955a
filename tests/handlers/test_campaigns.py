"""Test that an advertiser can cancel a campaign with buttons."""

from tests.handlers.marketplace import Marketplace


async def test_a_campaign_is_cancelled_after_a_question(market: Marketplace) -> None:
    await market.make_campaign()
    await market.press("advertiser", "🗑 End the campaign")
    assert await market.value("SELECT status FROM campaigns") == "active"
    await market.press("advertiser", "🗑 Yes, end it")
    assert await market.value("SELECT status FROM campaigns") == "cancelled"


async def test_an_old_screen_shows_the_present_state(market: Marketplace) -> None:
    await market.make_campaign()
    old = (await market.messages("advertiser"))[-1]["message_id"]
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "🟢 Bakery")
    await market.press("advertiser", "🗑 End the campaign")
    await market.press("advertiser", "🗑 Yes, end it")
    alert = await market.press("advertiser", "⏸ Pause", message_id=old)
    assert "The present state: cancelled" in alert
    [screen] = [m for m in await market.messages("advertiser") if m["message_id"] == old]
    assert "Status: cancelled" in screen["text"]
