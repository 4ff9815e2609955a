"""Test the sandbox's invoices, payments, refunds and Star transactions."""

import asyncio
import time
from typing import Any

import pytest

from sandbox.telegram.control import people
from sandbox.telegram.methods import queries
from tests.sandbox.telegram.raw_world import Json, SandboxClient


def invoice(world: SandboxClient, **changes: Any) -> Json:
    return {
        "chat_id": world.ids["advertiser"],
        "title": "Top-up",
        "description": "Money for campaigns",
        "payload": "deposit:1",
        "currency": "XTR",
        "prices": [{"label": "Top-up", "amount": 500}],
        **changes,
    }


async def pay(world: SandboxClient, *, ok: bool = True, **body: int) -> tuple[Json, Json]:
    """Let Advertiser pay the newest invoice, and return the bot's query and the result."""
    paying = asyncio.create_task(world.control(f"users/{world.ids['advertiser']}/pay", **body))
    [update] = await world.call("getUpdates", timeout=5)
    query = update["pre_checkout_query"]
    await world.call("getUpdates", offset=update["update_id"] + 1)
    answer = {"ok": ok} if ok else {"ok": ok, "error_message": "Top-ups are stopped"}
    await world.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], **answer)
    return query, await paying


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"payload": ""}, "INVOICE_PAYLOAD_INVALID"),
        ({"payload": "p" * 129}, "INVOICE_PAYLOAD_INVALID"),
        ({"payload": "я" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"provider_token": "token"}, "PAYMENT_PROVIDER_INVALID"),
        ({"currency": "USD"}, "PAYMENT_PROVIDER_INVALID"),
        ({"currency": "dollars"}, "CURRENCY_INVALID"),
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"title": "t" * 33}, "INVOICE_TITLE_INVALID"),
    ],
)
async def test_invoice_that_telegram_refuses(
    world: SandboxClient, changes: dict[str, Any], description: str
) -> None:
    refusal = await world.refused("sendInvoice", **invoice(world, **changes))
    assert refusal == (400, f"Bad Request: {description}")


async def test_payment_that_is_made_some_time_after_the_bot_has_accepted_it(
    world: SandboxClient,
) -> None:
    await world.call("sendInvoice", **invoice(world))
    began = time.monotonic()
    _, result = await pay(world, charge_after=1)
    assert result["ok"]
    assert time.monotonic() - began >= 1
    [update] = await world.call("getUpdates")
    assert "successful_payment" in update["message"]


async def test_payment_that_the_bank_declines(world: SandboxClient) -> None:
    sent = await world.call("sendInvoice", **invoice(world))
    _, result = await pay(world, decline=True, message_id=sent["message_id"])
    assert result == {"ok": False, "error_message": "the bank declined the payment"}
    # As in Telegram, the bot is not told.
    assert await world.updates() == []
    _, result = await pay(world, message_id=sent["message_id"])
    assert result["ok"]


@pytest.mark.parametrize("payload", ["p", "p" * 128, "я" * 64])
async def test_payload_of_1_to_128_bytes(world: SandboxClient, payload: str) -> None:
    sent = await world.call("sendInvoice", **invoice(world, payload=payload))
    assert sent["invoice"]["total_amount"] == 500
    assert "payload" not in sent["invoice"]


async def test_payment_in_stars(world: SandboxClient) -> None:
    await world.call("sendInvoice", **invoice(world))
    query, seen = await pay(world)
    assert (query["currency"], query["total_amount"]) == ("XTR", 500)
    assert query["invoice_payload"] == "deposit:1"
    assert query["from"]["id"] == world.ids["advertiser"]
    assert seen["ok"] is True
    [update] = await world.updates()
    paid = update["message"]["successful_payment"]
    assert paid["telegram_payment_charge_id"] == seen["telegram_payment_charge_id"]
    assert (paid["currency"], paid["total_amount"], paid["invoice_payload"]) == (
        "XTR",
        500,
        "deposit:1",
    )
    [listed] = (await world.call("getStarTransactions"))["transactions"]
    assert (listed["id"], listed["amount"]) == (seen["telegram_payment_charge_id"], 500)
    assert listed["source"]["user"]["id"] == world.ids["advertiser"]
    assert listed["source"]["invoice_payload"] == "deposit:1"


async def test_payment_by_provider(world: SandboxClient) -> None:
    prices = [{"label": "a", "amount": 1500}, {"label": "b", "amount": 500}]
    await world.call(
        "sendInvoice", **invoice(world, currency="USD", provider_token="x", prices=prices)
    )
    _, seen = await pay(world)
    [update] = await world.updates()
    assert update["message"]["successful_payment"]["total_amount"] == 2000
    assert (await world.call("getStarTransactions"))["transactions"] == []
    refusal = await world.refused(
        "refundStarPayment",
        user_id=world.ids["advertiser"],
        telegram_payment_charge_id=seen["telegram_payment_charge_id"],
    )
    assert refusal == (400, "Bad Request: CHARGE_NOT_FOUND")


async def test_refused_checkout_takes_no_money(world: SandboxClient) -> None:
    await world.call("sendInvoice", **invoice(world))
    _, seen = await pay(world, ok=False)
    assert seen == {"ok": False, "error_message": "Top-ups are stopped"}
    assert await world.updates() == []
    assert (await world.call("getStarTransactions"))["transactions"] == []


async def test_checkout_without_an_answer_fails_after_ten_seconds(
    world: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.call("sendInvoice", **invoice(world))
    # First check the real limit, then the behaviour with a shorter one.
    assert (people.ANSWER_LIMIT, queries.CHECKOUT_SECONDS) == (10, 10)
    monkeypatch.setattr("sandbox.telegram.control.people.ANSWER_LIMIT", 0.2)
    monkeypatch.setattr("sandbox.telegram.methods.queries.CHECKOUT_SECONDS", 0.2)
    seen = await world.control(f"users/{world.ids['advertiser']}/pay")
    assert seen["ok"] is False
    [update] = await world.updates()
    query = update["pre_checkout_query"]
    late = await world.refused("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    assert late[0] == 400
    assert "query is too old" in late[1]
    assert await world.updates() == []


@pytest.mark.parametrize("by_the_bot", [True, False])
async def test_refund_and_its_repetition(world: SandboxClient, *, by_the_bot: bool) -> None:
    await world.call("sendInvoice", **invoice(world))
    _, seen = await pay(world)
    await world.updates()
    person = world.ids["advertiser"]
    charge = {"telegram_payment_charge_id": seen["telegram_payment_charge_id"]}
    if by_the_bot:
        assert await world.call("refundStarPayment", user_id=person, **charge) is True
    else:
        await world.control(f"users/{person}/refund_payment", **charge)
    [update] = await world.updates()
    bot = await world.call("getMe")
    assert update["message"]["from"]["id"] == bot["id"]
    assert update["message"]["chat"]["id"] == person
    assert update["message"]["refunded_payment"] == {
        "currency": "XTR",
        "total_amount": 500,
        "invoice_payload": "deposit:1",
        **charge,
    }
    again = await world.refused("refundStarPayment", user_id=person, **charge)
    assert again == (400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    await world.control(f"users/{person}/refund_payment", 409, **charge)
    _, back = (await world.call("getStarTransactions"))["transactions"]
    assert back["receiver"]["user"]["id"] == person


async def test_refund_of_an_unknown_charge(world: SandboxClient) -> None:
    refusal = await world.refused(
        "refundStarPayment", user_id=world.ids["advertiser"], telegram_payment_charge_id="none"
    )
    assert refusal == (400, "Bad Request: CHARGE_NOT_FOUND")


async def test_transactions_are_paged(world: SandboxClient) -> None:
    for _ in range(3):
        await world.call("sendInvoice", **invoice(world))
        await pay(world)
        await world.updates()
    page = await world.call("getStarTransactions", offset=1, limit=1)
    assert len(page["transactions"]) == 1
    assert (await world.refused("getStarTransactions", limit=0))[0] == 400


async def test_a_new_transaction_is_the_last_of_its_second(world: SandboxClient) -> None:
    charges = []
    for _ in range(2):
        await world.call("sendInvoice", **invoice(world))
        charges.append((await pay(world))[1]["telegram_payment_charge_id"])
        await world.updates()
    person = world.ids["advertiser"]
    for charge in charges:
        await world.call("refundStarPayment", user_id=person, telegram_payment_charge_id=charge)
    listed = (await world.call("getStarTransactions"))["transactions"]
    assert [row["id"] for row in listed] == charges * 2
    assert ["receiver" in row for row in listed] == [False, False, True, True]


async def test_a_paid_invoice_shows_its_receipt_and_is_not_paid_again(
    world: SandboxClient,
) -> None:
    """Test the receipt of messageInvoice in td_api.tl of tdlib/td."""
    person = world.ids["advertiser"]
    first = await world.call("sendInvoice", **invoice(world))
    second = await world.call("sendInvoice", **invoice(world))
    _, paid = await pay(world)
    shown = {
        message["message_id"]: message["receipt"]
        for message in (await world.see(f"chats/{person}/messages"))["messages"]
        if "invoice" in message
    }
    charge = paid["telegram_payment_charge_id"]
    assert shown == {first["message_id"]: None, second["message_id"]: charge}
    again = await world.control(f"users/{person}/pay", 409, message_id=second["message_id"])
    assert again == {"error": "this invoice is paid, and shows its receipt"}
    await world.updates()
    await pay(world, message_id=first["message_id"])
    refused = await world.control(f"users/{person}/pay", 404)
    assert refused == {"error": "there is no unpaid invoice in this person's chat"}
