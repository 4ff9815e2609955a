"""Test the wallet's page, and the form with which a person adds money."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from db.models.operations import Switch
from tests.handlers.marketplace import PROVIDER_TOKEN, Marketplace


async def test_an_invalid_amount_makes_no_invoice(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    for amount in ("abc", "0", "-1", "0.001"):
        await market.say("advertiser", amount)
        assert "not an amount" in await market.last("advertiser")
    for amount in ("0.99", "10000.01"):
        await market.say("advertiser", amount)
        assert "from $1.00 to $10,000.00" in await market.last("advertiser")
    assert not any(message.get("invoice") for message in await market.messages("advertiser"))


async def test_a_top_up_by_invoice_reaches_the_wallet(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $0.00" in await market.last("advertiser")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    assert (await market.pay("advertiser"))["ok"]
    await market.deliver()
    assert "$100.00 has arrived" in await market.last("advertiser")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $100.00" in await market.last("advertiser")
    await market.press("advertiser", "📄 Statement")
    assert "Top-up: +$100.00" in await market.last("advertiser")
    assert PROVIDER_TOKEN not in str(await market.messages("advertiser"))


async def test_a_refused_top_up_says_why_and_the_form_can_be_left(market: Marketplace) -> None:
    await market.set_switch(Switch.DEPOSITS, enabled=False)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    assert "Stopped by the operators" in await market.last("advertiser")
    assert "How much would you like to top up?" in await market.last("advertiser")
    assert await market.buttons("advertiser") == ["✖️ Cancel"]
    assert [refusal["error"] for refusal in await market.refusals()] == ["SwitchStopped"]
