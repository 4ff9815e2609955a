"""Test how updates about refunds are read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from pydantic import ValidationError

from bot import refund_updates


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """Yield a bot that is connected to nothing."""
    connected = Bot("1:aaa")
    yield connected
    await connected.session.close()


def _payload(**changed: Any) -> dict[str, Any]:
    refund = {
        "currency": "XTR",
        "total_amount": 70,
        "invoice_payload": "x",
        "telegram_payment_charge_id": "c",
    } | changed
    chat = {"id": 5, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "refunded_payment": refund}
    return {"update_id": 1, "message": message}


@pytest.mark.parametrize("currency", ["XTR", "USD", "EUR"])
async def test_a_refund_keeps_its_currency(bot: Bot, currency: str) -> None:
    payload = _payload(currency=currency)
    update = refund_updates.validate(payload, bot)
    assert update.message is not None
    assert update.message.refunded_payment is not None
    assert update.message.refunded_payment.currency == currency
    assert update.message.refunded_payment.total_amount == 70
    assert update.message.bot is bot
    assert payload == _payload(currency=currency)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {"update_id": "x"},
        _payload(currency=7),
        _payload(currency=None),
        _payload(currency="USD", total_amount="many"),
    ],
)
async def test_an_unreadable_update_is_refused(bot: Bot, payload: dict[str, Any] | None) -> None:
    with pytest.raises(ValidationError):
        refund_updates.validate(payload, bot)


@pytest.mark.parametrize("message", [None, 7, [], {"refunded_payment": 7}])
async def test_another_content_is_left_to_aiogram(bot: Bot, message: object) -> None:
    payload = {"update_id": 1, "message": message}
    if message is None:
        assert refund_updates.validate(payload, bot).message is None
    else:
        with pytest.raises(ValidationError):
            refund_updates.validate(payload, bot)
