"""Handle Telegram's payments: pre-checkout queries, payments and refunds, without use of Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message, PreCheckoutQuery

from bot.context import AlreadyHandledError, RequestContext, TryLaterError
from bot.errors import explain
from bot.screens import wallet as screens
from db.models.money import DepositStatus
from db.money import STARS
from handlers import error_handlers, respond
from services.market import payment_reversals
from services.money import deposits
from services.platform import errors

log = structlog.get_logger(__name__)
router = Router(name="payments")

_PAYLOAD_PREFIX = "topup"


def invoice_payload(user_id: int, nonce: str) -> str:
    """Build the payload of an invoice. It contains the payer's id. Telegram allows 128 bytes."""
    return f"{_PAYLOAD_PREFIX}:{user_id}:{nonce}"


def _payload_user_id(payload: str) -> int | None:
    prefix, _, rest = payload.partition(":")
    user_id = rest.partition(":")[0]
    return int(user_id) if prefix == _PAYLOAD_PREFIX and user_id.isdecimal() else None


@router.pre_checkout_query()
async def answer_pre_checkout(query: PreCheckoutQuery, context: RequestContext) -> None:
    """Answer within 10 seconds whether the bot accepts the payment.

    If the bot does not answer, Telegram refuses the payment and shows no reason.
    """
    try:
        problem = await _problem(query, context)
    except Exception:  # the person must get an answer after any error
        log.exception("pre-checkout not decided")
        problem = context.t("payment-later")
    try:
        await query.answer(ok=problem is None, error_message=problem)
    except TelegramBadRequest as error:
        # After a crash the query is handled again. It was answered before, or Telegram has
        # refused the payment.
        if not respond.too_late(error):
            raise


async def _problem(query: PreCheckoutQuery, context: RequestContext) -> str | None:
    if _payload_user_id(query.invoice_payload) != context.user_id:
        return context.t("payment-foreign")
    try:
        async with context.read() as session:
            await deposits.check_payable(
                session,
                user_id=context.user_id,
                amount=query.total_amount,
                currency=query.currency,
            )
    except errors.DomainError as error:
        await error_handlers.record(context, error)
        return explain(context.t, error)
    return None


@router.message(F.successful_payment)
async def record_payment(message: Message, context: RequestContext) -> None:
    """Record a payment under Telegram's charge id. The money belongs to the person who paid.

    If the payment is credited, the person is notified through the outbox, because a crash loses no
    row there.
    """
    payment = message.successful_payment
    if payment is None:
        return
    async with _never_dropped("payment not recorded"), context.begin() as session:
        deposit = await deposits.deposit(
            session,
            user_id=context.user_id,
            amount=payment.total_amount,
            key=payment.telegram_payment_charge_id,
            source=_source(payment.currency),
        )
    if deposit.status is DepositStatus.RECEIVED:
        await respond.show(message, screens.deposit_received(context.t, deposit.amount))


@router.message(F.refunded_payment)
async def record_reversal(message: Message, context: RequestContext) -> None:
    """Claw back a payment that Telegram has refunded, and notify the admin chat of the loss."""
    payment = message.refunded_payment
    if payment is None:
        return
    async with _never_dropped("reversed payment not recorded"), context.begin() as session:
        await payment_reversals.reverse(
            session,
            external_reference=payment.telegram_payment_charge_id,
            user_id=context.user_id,
            amount=payment.total_amount,
            source=_source(payment.currency),
        )


def _source(currency: str) -> str:
    return "stars" if currency == STARS else "telegram"


@asynccontextmanager
async def _never_dropped(event: str) -> AsyncIterator[None]:
    """Raise TryLaterError for an unexpected error, so that no update about money is dropped.

    The update is handled again. If it fails too often, it is parked, that is, kept and not tried
    again. `event` is the text of the log line.
    """
    try:
        yield
    except (TryLaterError, AlreadyHandledError):
        raise
    except Exception as error:
        log.exception(event)
        raise TryLaterError from error
