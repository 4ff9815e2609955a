"""Test the list of deposits in the admin chat."""

from db.models.operations import Switch
from tests.handlers.marketplace import Marketplace


async def test_deposits_are_listed_with_those_that_wait(market: Marketplace) -> None:
    await market.say("admin", "/deposits", where="group")
    assert "No deposits here" in await market.last("group")
    await market.give("advertiser", 10_000)
    await market.set_switch(Switch.DEPOSITS, enabled=False)
    for amount in range(1_000, 10_000, 1_000):
        await market.give("owner", amount)
    await market.say("admin", "/deposits", where="group")
    page = await market.last("group")
    assert "9 deposits wait to be credited: $450.00" in page
    assert f"$90.00 · {market.chat('owner')} · telegram" in page
    charge = await market.value("SELECT external_reference FROM deposits ORDER BY id DESC LIMIT 1")
    assert f"Charge id: {charge}" in page
    await market.press("admin", "Next ▶️", where="group")
    assert "$100.00" in await market.last("group")
    assert "✅ credited" in await market.last("group")
