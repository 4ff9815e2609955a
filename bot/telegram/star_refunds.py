"""Ask Telegram to refund a payment in Stars, and interpret the answer."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

ALREADY_REFUNDED = "CHARGE_ALREADY_REFUNDED"
SECONDS = 20
"""How long one request may take."""
RETRY_INTERVAL = timedelta(minutes=1)
"""The time to the next request after one that was certainly not carried out."""


class RefundResult(StrEnum):
    """The outcome of a request to refund a payment."""

    REFUNDED = "refunded"
    """The payment was refunded now, or it was refunded before."""
    REFUSED = "refused"
    """Telegram does not refund this payment."""
    NOT_MADE = "not made"
    """The payment was certainly not refunded by this request, and the bot can ask again."""
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Refund:
    """The outcome of a request, with Telegram's text or the class of an error."""

    result: RefundResult
    evidence: str = ""
    retry_after: timedelta = RETRY_INTERVAL
    """When to ask again after NOT_MADE."""


async def refund(bot: Bot, *, telegram_id: int, charge_id: str) -> Refund:
    """Ask Telegram once to refund the payment `charge_id` to its payer. No error is raised."""
    try:
        await bot.refund_star_payment(telegram_id, charge_id, request_timeout=SECONDS)
    except TelegramBadRequest as error:
        is_done = ALREADY_REFUNDED in error.message
        return Refund(RefundResult.REFUNDED if is_done else RefundResult.REFUSED, error.message)
    except TelegramForbiddenError as error:
        return Refund(RefundResult.REFUSED, error.message)
    except TelegramRetryAfter as error:
        wait = timedelta(seconds=error.retry_after)
        return Refund(RefundResult.NOT_MADE, error.message, wait)
    except (TelegramUnauthorizedError, TelegramNotFound, TelegramConflictError) as error:
        # Telegram did not accept the token or the method, so it read no charge.
        return Refund(RefundResult.NOT_MADE, error.message)
    except Exception as error:  # noqa: BLE001 - after any other error the outcome is unknown
        return Refund(RefundResult.UNCERTAIN, type(error).__name__)
    return Refund(RefundResult.REFUNDED)
