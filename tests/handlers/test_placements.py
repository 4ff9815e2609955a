"""Test that an advertiser can take back a placement that waits for the admins' decision."""

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
