"""Test that an advertiser can take back a pending placement, and cancel an approved one."""

from datetime import timedelta

from tests.handlers.marketplace import Marketplace

TAKE_BACK = "🗑 Take it back"
CANCEL = "🗑 Cancel it, get the money back"


async def test_a_waiting_placement_is_taken_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("advertiser", "/start")
    await market.give("advertiser", 5_000)
    await market.deliver()
    await market.make_campaign()
    await market.submit()
    await market.press("advertiser", "📋 Open the placement")
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


async def test_an_approved_placement_is_cancelled_before_its_time(market: Marketplace) -> None:
    await market.submitted(publish_in=timedelta(days=30))
    await market.give("advertiser", 5_000)
    await market.press("admin", "✅ Approve", where="group")
    await market.deliver()
    await market.press("advertiser", "📋 Open the placement")
    assert "You can cancel it until" in await market.last("advertiser")
    await market.press("advertiser", CANCEL)
    assert "$50.00 comes back to your wallet at once" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ No, go back")
    await market.press("advertiser", CANCEL)
    assert await market.value("SELECT status FROM campaign_targets") == "approved"
    await market.press("advertiser", "🗑 Cancel: my plans have changed")
    assert "cancelled by you, refunded" in await market.last("advertiser")
    assert CANCEL not in await market.buttons("advertiser")
    await market.deliver()
    assert "my plans have changed" in await market.last("owner")
    assert "time is free for other ads" in await market.last("owner")
    await market.press("owner", "📋 Open the placement")
    assert "cancelled by the advertiser" in await market.last("owner")
    assert "was cancelled by its advertiser" in await market.last("group")


async def test_an_old_screen_cancels_nothing_that_is_due_soon(market: Marketplace) -> None:
    await market.submitted(publish_in=timedelta(hours=2))
    await market.give("advertiser", 5_000)
    await market.press("admin", "✅ Approve", where="group")
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "📬 #")
    await market.press("advertiser", CANCEL)
    await market.database.forward(timedelta(hours=1))
    assert "too soon to cancel" in await market.press("advertiser", "🗑 Cancel: another reason")
    assert CANCEL not in await market.buttons("advertiser")
    assert await market.value("SELECT status FROM campaign_targets") == "approved"
