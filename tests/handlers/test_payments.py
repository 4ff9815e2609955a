"""Test how the bot handles Telegram's updates about payments."""

import asyncio
from typing import Any

import pytest

from bot import inbox_worker
from tests.handlers.marketplace import Marketplace
from tests.shell import shell_of

CHARGE = "the-charge"


async def _receive(market: Marketplace, update_id: int, message: dict[str, Any]) -> None:
    """Let the bot handle an update with this message."""
    update = {"update_id": update_id, "message": message}
    await inbox_worker.store(market.database.sessions, [update])
    market.worker.wake()
    await market.settle()


async def _use_stars(market: Marketplace) -> None:
    """Set the bot's currency to Stars, and register the advertiser."""
    settings = market.dependencies.settings
    market.dependencies.settings = settings.model_copy(update={"currency": "XTR"})
    await market.say("advertiser", "/start")


def _paid(market: Marketplace, **changed: Any) -> dict[str, Any]:
    """Return the message that reports a payment of 70 Stars."""
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    payment = {
        "currency": "XTR",
        "total_amount": 70,
        "invoice_payload": "topup:1:x",
        "telegram_payment_charge_id": CHARGE,
        "provider_payment_charge_id": "outside",
    }
    return {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "successful_payment": payment | changed,
    }


def _refunded(market: Marketplace, **changed: Any) -> dict[str, Any]:
    """Return the message that reports the refund of the payment in `_paid`."""
    message = _paid(market, **changed)
    refund = message.pop("successful_payment")
    del refund["provider_payment_charge_id"]
    bot = {"id": market.bot.id, "is_bot": True, "first_name": "The bot"}
    return message | {"from": bot, "refunded_payment": refund}


async def test_a_refunded_payment_is_taken_from_the_wallet(market: Marketplace) -> None:
    await _use_stars(market)
    await market.give("advertiser", 70)
    for update_id, message in enumerate(
        (_paid(market), _refunded(market), _refunded(market)), start=1
    ):
        await _receive(market, update_id, message)
    await market.deliver()
    assert "70" in await market.last("group")
    assert await market.balance("advertiser") == 70
    assert await market.value("SELECT status FROM deposits ORDER BY id DESC LIMIT 1") == (
        "clawed_back"
    )
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


async def test_a_refund_of_an_unknown_charge_belongs_to_the_private_chat(
    market: Marketplace,
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _refunded(market))
    await _receive(market, 2, _paid(market))
    assert await market.balance("advertiser") == 100
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


@pytest.mark.parametrize("changed", [{"total_amount": 30}, {"total_amount": 71}])
async def test_a_refund_that_differs_from_its_deposit_is_parked(
    market: Marketplace, changed: dict[str, Any]
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _paid(market))
    await _receive(market, 2, _refunded(market, **changed))
    assert await market.balance("advertiser") == 170
    assert await market.value("SELECT attempts FROM inbox WHERE failed_at IS NOT NULL") == 1
    await market.deliver()
    assert "PaymentMismatch" in await market.last("group")
    ran = await shell_of(market.database).adtech("parked-payments")
    assert "PaymentMismatch" in ran.said


async def test_a_refund_to_an_unknown_person_is_parked(market: Marketplace) -> None:
    stranger = {"chat": {"id": 4_999_999, "type": "private", "first_name": "S"}}
    await _receive(market, 1, _refunded(market) | stranger)
    assert await market.value("SELECT failed_at IS NOT NULL FROM inbox")
    assert await market.value("SELECT count(*) FROM deposits") == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "EUR"},
        {"invoice_payload": "topup:1:7000:XTR:x"},
        {"invoice_payload": "topup:1:70:EUR:x"},
        {"invoice_payload": "something else"},
    ],
)
async def test_a_payment_that_differs_from_its_invoice_is_parked(
    market: Marketplace, changed: dict[str, Any]
) -> None:
    await _use_stars(market)
    await market.give("advertiser", 100)
    await _receive(market, 1, _paid(market, **changed))
    assert await market.balance("advertiser") == 100
    assert await market.value("SELECT count(*) FROM deposits") == 1
    await market.deliver()
    assert "adtech retry-payment" in await market.last("group")


async def test_a_payment_is_credited_after_an_error_of_the_database(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    update = {"update_id": 1, "message": _paid(market, currency="USD")}
    await market.database.as_owner("ALTER TABLE deposits RENAME TO deposits_away")
    await inbox_worker.store(market.database.sessions, [update])
    market.worker.wake()
    async with asyncio.timeout(60):
        taken = "SELECT attempts FROM inbox WHERE update_id = 1"
        while not await market.value(taken):  # noqa: ASYNC110 - a table
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    await market.database.as_owner("ALTER TABLE deposits_away RENAME TO deposits")
    await market.settle()
    assert await market.value("SELECT status FROM deposits") == "credited"


async def test_a_pre_checkout_query_is_answered_despite_an_error(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's text
    await market.say("advertiser", "100")
    await market.database.as_owner("ALTER VIEW running_switches RENAME TO switches_away")
    paid = await market.pay("advertiser")
    await market.database.as_owner("ALTER VIEW switches_away RENAME TO running_switches")
    assert not paid["ok"]
    assert "try again in a minute" in paid["error_message"]
