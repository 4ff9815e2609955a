"""Test that the bot lets nobody pay an invoice twice or for somebody else."""

import asyncio

import pytest

from bot import storing_updates
from tests.handlers.marketplace import Marketplace

CHARGE = "the-charge"
TOP_UP = {
    "en": ("💰 Wallet", "➕ Top up", "already paid", "70 ⭐", "Both payments"),  # noqa: RUF001 - the button's text
    "ru": ("💰 Кошелёк", "➕ Пополнить", "уже оплачен", "70 ⭐", "Оба платежа"),  # noqa: RUF001 - the button's text
}
"""The two buttons, and what the answers contain, by language."""


async def _top_up(market: Marketplace, language: str) -> None:
    """Let the advertiser, who speaks this language, get an invoice for 70 Stars."""
    market.world.state.users[market.chat("advertiser")].language_code = language
    settings = market.dependencies.settings
    market.dependencies.settings = settings.model_copy(update={"currency": "XTR"})
    await market.say("advertiser", "/start")
    wallet, top_up, *_ = TOP_UP[language]
    await market.press("advertiser", wallet)
    await market.press("advertiser", top_up)
    await market.say("advertiser", "70")


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_paid_invoice_is_not_paid_again(market: Marketplace, language: str) -> None:
    """Check a second press, and a second payment that Telegram let through nevertheless."""
    await _top_up(market, language)
    assert (await market.pay("advertiser"))["ok"]
    again = await market.pay("advertiser", outdated=True)
    assert not again["ok"]
    *_, refused, balance, twice = TOP_UP[language]
    assert refused in again["error_message"]
    assert balance in again["error_message"]
    [paid] = market.world.state.payments.values()
    payer = {"id": paid.user_id, "is_bot": False, "first_name": "A", "language_code": language}
    payment = {
        "currency": "XTR",
        "total_amount": 70,
        "invoice_payload": paid.invoice_payload,
        "telegram_payment_charge_id": CHARGE,
        "provider_payment_charge_id": "",
    }
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": paid.user_id, "type": "private"},
        "from": payer,
        "successful_payment": payment,
    }
    await storing_updates.store(
        market.database.sessions, [{"update_id": 10_000, "message": message}]
    )
    market.worker.wake()
    await market.settle()
    assert await market.balance("advertiser") == 140
    await market.deliver()
    assert twice in await market.last("advertiser")
    await market.press("advertiser", "🧾")
    assert CHARGE in await market.last("advertiser")


async def test_two_devices_pay_an_invoice_once(market: Marketplace) -> None:
    await _top_up(market, "en")
    first, second = await asyncio.gather(market.pay("advertiser"), market.pay("advertiser"))
    assert first["ok"] != second["ok"]
    refused = second if first["ok"] else first
    assert "already paid" in refused["error_message"] or "being paid" in refused["error_message"]
    await market.settle()
    assert await market.balance("advertiser") == 70


async def test_a_forwarded_invoice_is_refused_to_another_person(market: Marketplace) -> None:
    await _top_up(market, "en")
    await market.say("owner", "/start")
    invoice = next(
        found
        for found in market.world.state.messages[market.chat("advertiser")].values()
        if "invoice" in found.body
    )
    await market.world.call(
        "sendInvoice",
        chat_id=market.chat("owner"),
        title="t",
        description="d",
        payload=invoice.payload,
        currency="XTR",
        prices=[{"label": "t", "amount": 70}],
    )
    assert "somebody else" in (await market.pay("owner"))["error_message"]
    assert await market.value("SELECT count(*) FROM checkouts") == 0


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"total_amount": 7}, "no longer valid"),
        ({"currency": "EUR"}, "no longer valid"),
    ],
)
async def test_another_amount_or_currency_is_refused(
    market: Marketplace, changed: dict[str, object], answer: str
) -> None:
    """Check an invoice from before a change of the currency or of its amount."""
    await _top_up(market, "en")
    [invoice] = [
        found
        for found in market.world.state.messages[market.chat("advertiser")].values()
        if "invoice" in found.body
    ]
    invoice.body["invoice"] |= changed
    assert answer in (await market.pay("advertiser"))["error_message"]
    assert await market.value("SELECT count(*) FROM checkouts") == 0
