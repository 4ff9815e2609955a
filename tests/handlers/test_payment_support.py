"""Test the help with payments."""

import pytest

from bot.payment_callbacks import ShowOwnPayment
from bot.screens import payment_support as screens
from bot.texts import Texts
from tests.handlers.marketplace import Marketplace


async def test_the_help_with_payments_says_where_to_write(market: Marketplace) -> None:
    await market.say("advertiser", "/paysupport")
    assert "the people from whom you know this bot" in await market.last("advertiser")
    assert "latest payments" not in await market.last("advertiser")
    assert await market.buttons("advertiser") == ["💰 Wallet", "⬅️ Back"]
    contact = {"support_contact": "@our_support"}
    market.dependencies.settings.__dict__.update(contact)
    await market.say("advertiser", "/paysupport")
    assert "write to @our_support" in await market.last("advertiser")
    assert "✍️ Write to the support" in await market.buttons("advertiser")


async def test_a_person_sees_only_their_own_payments(market: Marketplace) -> None:
    for person in ("advertiser", "owner"):
        await market.say(person, "/start")
    await market.give("owner", 7_000)
    for _ in range(6):
        await market.give("advertiser", 5_000)
    await market.say("advertiser", "/paysupport")
    payments = [text for text in await market.buttons("advertiser") if "$" in text]
    assert len(payments) == 5
    assert all("$50.00 · ✅" in text for text in payments)
    await market.press("advertiser", payments[0])
    charge = await market.value("SELECT external_reference FROM deposits ORDER BY id DESC LIMIT 1")
    assert charge in await market.last("advertiser")
    assert "credited to your wallet" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    assert "latest payments" in await market.last("advertiser")
    foreign = await market.value("SELECT id FROM deposits WHERE amount = 7000")
    alert = await market.press_forged("advertiser", ShowOwnPayment(id=foreign).pack())
    assert "$70.00" not in await market.last("advertiser")
    assert alert


@pytest.mark.parametrize(
    ("contact", "url"),
    [
        ("@our_support", "https://t.me/our_support"),
        ("help@example.com", None),
        ("@our support", None),
        ("@x?start=1", None),
        ("@", None),
        ("", None),
    ],
)
def test_only_a_name_in_telegram_gets_a_button(contact: str, url: str | None) -> None:
    shown = screens.payment_support(Texts("en", "USD"), contact, [])
    assert shown.inline is not None
    found = [each.url for row in shown.inline.inline_keyboard for each in row if each.url]
    assert found == ([url] if url else [])
