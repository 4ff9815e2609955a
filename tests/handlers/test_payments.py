"""Test payments, refunds of payments by Telegram, and Telegram's query before a payment."""

import asyncio
from typing import Any

from bot import inbox_worker
from tests.handlers.marketplace import Marketplace


async def test_a_refunded_payment_is_taken_from_the_wallet(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 70)
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    taken: dict[str, Any] = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "refunded_payment": {
            "currency": "XTR",
            "total_amount": 70,
            "invoice_payload": "topup:1:x",
            "telegram_payment_charge_id": "reversed",
        },
    }
    payment = dict(taken["refunded_payment"], provider_payment_charge_id="outside")
    paid = {key: value for key, value in taken.items() if key != "refunded_payment"}
    paid["successful_payment"] = payment
    for update_id, message in enumerate((paid, taken, taken), start=1):
        update = {"update_id": update_id, "message": message}
        await inbox_worker.store(market.database.sessions, [update])
        market.worker.wake()
        await market.settle()
    await market.deliver()
    assert "70" in await market.last("group")
    wallet = (
        "SELECT balance FROM wallets w JOIN users u ON u.id = w.user_id"
        " WHERE w.kind = 'user' AND u.telegram_id = :person"
    )
    assert await market.value(wallet, person=person["id"]) == 70
    assert await market.value("SELECT status FROM deposits ORDER BY id DESC LIMIT 1") == (
        "clawed_back"
    )
    assert await market.value("SELECT count(*) FROM clawbacks") == 1


async def test_a_payment_is_credited_after_an_error_of_the_database(market: Marketplace) -> None:
    person = {"id": market.chat("advertiser"), "is_bot": False, "first_name": "A"}
    paid = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": person["id"], "type": "private"},
        "from": person,
        "successful_payment": {
            "currency": "USD",
            "total_amount": 10_000,
            "invoice_payload": "topup:1:x",
            "telegram_payment_charge_id": "charge",
            "provider_payment_charge_id": "provider",
        },
    }
    await market.database.as_owner("ALTER TABLE deposits RENAME TO deposits_away")
    await inbox_worker.store(market.database.sessions, [{"update_id": 1, "message": paid}])
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
    await market.database.as_owner("ALTER TABLE kill_switches RENAME TO kill_switches_away")
    paid = await market.pay("advertiser")
    await market.database.as_owner("ALTER TABLE kill_switches_away RENAME TO kill_switches")
    assert not paid["ok"]
    assert "try again in a minute" in paid["error_message"]
