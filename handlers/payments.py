"""Handle payments and refunds by Telegram, without Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message, PreCheckoutQuery, RefundedPayment

from bot import outages
from bot.context import (
    AlreadyHandledError,
    DatabaseAwayError,
    RequestContext,
    TryLaterError,
    database_errors,
)
from bot.errors import explain
from bot.matches import Matches
from bot.screens import wallet as screens
from bot.telegram import answers
from db.models.money import DepositStatus
from db.money import STARS
from handlers import error_handlers, respond
from services.market import payment_reversals, star_transactions
from services.money import checkouts, deposits, invoices
from services.platform import errors, users

log = structlog.get_logger(__name__)
router = Router(name="payments")


@router.pre_checkout_query()
async def answer_pre_checkout(query: PreCheckoutQuery, context: RequestContext) -> None:
    """Answer Telegram's question whether the bot accepts a payment.

    Telegram waits 10 seconds, and then refuses the payment. After an unexpected error, the bot
    refuses the payment.
    """
    try:
        problem = await _problem(query, context)
    except DatabaseAwayError as error:
        outages.log_database_away(error)
        problem = context.t("payment-later")
    except Exception:  # the person must get an answer after any error
        log.exception("pre-checkout not decided")
        problem = context.t("payment-later")
    try:
        await query.answer(ok=problem is None, error_message=problem)
    except TelegramBadRequest as error:
        # After a crash the query is handled again. Then either the answer was sent before the
        # crash, or Telegram has refused the payment meanwhile.
        if not answers.too_late(error):
            raise


async def _problem(query: PreCheckoutQuery, context: RequestContext) -> str | None:
    terms = invoices.read_payload(query.invoice_payload)
    if terms is None or terms.user_id != context.user_id:
        return context.t("payment-foreign")
    if not terms.matches(query.total_amount, query.currency):
        return context.t("payment-outdated")
    try:
        # The update stays open until Telegram has the answer. After a crash, it is handled again.
        async with context.begin(marks=False) as session:
            await checkouts.begin(
                session,
                user_id=context.user_id,
                invoice=query.invoice_payload,
                query_id=query.id,
                amount=query.total_amount,
                currency=query.currency,
            )
    except errors.DomainError as error:
        await error_handlers.record(context, error)
        return explain(context.t, error)
    return None


@router.message(Matches(F.successful_payment))
async def record_payment(message: Message, context: RequestContext) -> None:
    """Record a payment under Telegram's charge id, and credit the amount to the payer.

    A payment that names no person, or that differs from its invoice or from the wallet's currency,
    is kept for the admins.
    """
    payment = message.successful_payment
    if payment is None:
        return
    charge_id = payment.telegram_payment_charge_id
    async with _never_dropped("payment not recorded", context), context.begin() as session:
        if context.person is None:
            raise errors.PaymentMismatch(charge_id, "a payment by a person", "by a bot or a chat")
        invoices.require_match(
            payment.invoice_payload,
            charge_id=charge_id,
            amount=payment.total_amount,
            currency=payment.currency,
        )
        deposit = await deposits.deposit(
            session,
            user_id=context.user_id,
            amount=payment.total_amount,
            key=charge_id,
            source=_source(payment.currency),
            currency=payment.currency,
        )
    if context.update_result.failure is not None:
        return
    if deposit.status is DepositStatus.RECEIVED:
        await respond.show(message, screens.deposit_received(context.t, deposit.amount))


@router.message(Matches(F.refunded_payment))
async def record_reversal(message: Message, context: RequestContext) -> None:
    """Take a refunded payment out of the payer's wallet, and block the payer.

    The payer is the person of the deposit, or of the private chat if there is no deposit. A refund
    that differs from its deposit is kept for the admins, and the payer is blocked meanwhile.
    """
    payment = message.refunded_payment
    if payment is None:
        return
    async with _never_dropped("refund not recorded", context):
        try:
            await _reverse(message, payment, context)
        except errors.PaymentMismatch:
            # The update is not marked as done: it is kept for the admins.
            async with database_errors(), context.dependencies.sessions.begin() as session:
                await payment_reversals.block_payer(session, payment.telegram_payment_charge_id)
            raise


async def _reverse(message: Message, payment: RefundedPayment, context: RequestContext) -> None:
    async with context.begin() as session:
        is_private = message.chat.type == ChatType.PRIVATE
        chat_person = await users.by_telegram_id(session, message.chat.id) if is_private else None
        await payment_reversals.reverse(
            session,
            external_reference=payment.telegram_payment_charge_id,
            user_id=chat_person.id if chat_person else None,
            amount=payment.total_amount,
            source=_source(payment.currency),
            currency=payment.currency,
        )


def _source(currency: str) -> str:
    return star_transactions.SOURCE if currency == STARS else "telegram"


@asynccontextmanager
async def _never_dropped(event: str, context: RequestContext) -> AsyncIterator[None]:
    """Keep an update about money after an error in the `with` block.

    After a domain error, the update is kept for the admins. After any other error, TryLaterError is
    raised for a later attempt.
    """
    try:
        yield
    except errors.DomainError as error:
        log.warning(event, error=type(error).__name__)
        context.update_result.failure = str(error)
    except (TryLaterError, AlreadyHandledError):
        raise
    except Exception as error:
        log.exception(event)
        raise TryLaterError from error
