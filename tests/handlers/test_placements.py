"""Test that an advertiser can take back a pending placement."""

from tests.handlers.marketplace import Marketplace

TAKE_BACK = "🗑 Take it back"


async def test_a_waiting_placement_is_taken_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("advertiser", "/start")
    await market.give("advertiser", 5_000)
    await market.deliver()
    await market.make_campaign()
    await market.submit()
    await market.press("advertiser", TAKE_BACK)
    assert "It ends for good" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ No, go back")
    await market.press("advertiser", TAKE_BACK)
    assert await market.value("SELECT status FROM campaign_targets") == "pending"
    await market.press("advertiser", "🗑 Yes, take it back")
    assert "taken back" in await market.last("advertiser")
    assert "taken back" not in await market.last("group")
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "can't be done now" in alert


async def test_an_old_screen_takes_nothing_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 5_000)
    await market.submit()
    await market.press("admin", "❌ Reject", where="group")
    [reason, *_] = await market.buttons("group")
    await market.press("admin", reason, where="group")
    assert await market.press("advertiser", TAKE_BACK) == (
        "This has been decided already. Nothing was changed."
    )
    assert await market.value("SELECT status FROM campaign_targets") == "rejected"


async def test_an_old_screen_shows_that_the_placement_is_approved(market: Marketplace) -> None:
    await market.submitted()
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "⏳ #")
    await market.press("admin", "✅ Approve", where="group")
    alert = await market.press("advertiser", TAKE_BACK)
    assert "decided already" in alert
    assert "approved, waits to be published" in await market.last("advertiser")
    assert TAKE_BACK not in await market.buttons("advertiser")
