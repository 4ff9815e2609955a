"""Read updates from Telegram whose refunds have a currency that aiogram does not know."""

from typing import Any

from aiogram import Bot
from aiogram.types import Update

from db.money import STARS


def validate(payload: dict[str, Any] | None, bot: Bot) -> Update:
    """Return the update in `payload`. Raises ValidationError.

    aiogram refuses a refund in another currency than Stars. Telegram's documentation allows other
    currencies, so the refund is read as one in Stars, and its own currency is set afterwards.
    """
    currency = _refund_currency(payload)
    if payload is None or currency in {None, STARS}:
        return Update.model_validate(payload, context={"bot": bot})
    message = payload["message"]
    refund = message["refunded_payment"] | {"currency": STARS}
    in_stars = payload | {"message": message | {"refunded_payment": refund}}
    update = Update.model_validate(in_stars, context={"bot": bot})
    read = update.message
    if read is None or read.refunded_payment is None:
        return update
    named = read.refunded_payment.model_copy(update={"currency": currency})
    return update.model_copy(
        update={"message": read.model_copy(update={"refunded_payment": named})}
    )


def _refund_currency(payload: dict[str, Any] | None) -> str | None:
    """Return the currency of the refund in an update, or None. The JSON is not trusted."""
    message = (payload or {}).get("message")
    refund = message.get("refunded_payment") if isinstance(message, dict) else None
    currency = refund.get("currency") if isinstance(refund, dict) else None
    return currency if isinstance(currency, str) else None
