"""Telegram's payments: the question before, the money, and money taken back. No form, no Redis."""

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

_PREFIX = "topup"


def invoice_payload(user_id: int, nonce: str) -> str:
    """Write whose top-up an invoice is; Telegram takes 128 bytes."""
    return f"{_PREFIX}:{user_id}:{nonce}"


def _owner(payload: str) -> int | None:
    prefix, _, rest = payload.partition(":")
    user_id = rest.partition(":")[0]
    return int(user_id) if prefix == _PREFIX and user_id.isdecimal() else None


@router.pre_checkout_query()
async def check(query: PreCheckoutQuery, context: RequestContext) -> None:
    """Say within 10 s whether the money may come; no answer at all would be a no without words."""
    try:
        problem = await _problem(query, context)
    except Exception:  # whatever it is, the person must not be left waiting
        log.exception("pre-checkout not decided")
        problem = context.t("payment-later")
    try:
        await query.answer(ok=problem is None, error_message=problem)
    except TelegramBadRequest as error:
        # Handled again after a crash: it was answered before, or no money comes.
        if not respond.too_late(error):
            raise


async def _problem(query: PreCheckoutQuery, context: RequestContext) -> str | None:
    if _owner(query.invoice_payload) != context.user_id:
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
async def paid(message: Message, context: RequestContext) -> None:
    """Record the money under Telegram's charge id; it is theirs who paid.

    The word that it was credited comes through the outbox, which no crash loses.
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
        await respond.show(message, screens.received(context.t, deposit.amount))


@router.message(F.refunded_payment)
async def taken_back(message: Message, context: RequestContext) -> None:
    """Take back what Telegram gave back; the admin chat is told what was lost."""
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
    """Keep news of money for an error of ours: tried again, then parked with its update."""
    try:
        yield
    except (TryLaterError, AlreadyHandledError):
        raise
    except Exception as error:
        log.exception(event)
        raise TryLaterError from error
