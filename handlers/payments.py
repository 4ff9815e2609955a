"""Telegram's payments: the question before, the money, and money taken back. No form, no Redis."""

import structlog
from aiogram import F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message, PreCheckoutQuery

from bot.amounts import STARS
from bot.errors import explain
from bot.screens import wallet as screens
from bot.turn import AlreadyHandledError, TryLaterError, Turn
from db.models.money import DepositStatus
from handlers import answers, failures
from services import audit, errors, outbox, payments

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
async def check(query: PreCheckoutQuery, turn: Turn) -> None:
    """Say within 10 s whether the money may come; no answer at all would be a no without words."""
    try:
        problem = await _problem(query, turn)
    except Exception:  # whatever it is, the person must not be left waiting
        log.exception("pre-checkout not decided")
        problem = turn.t("payment-later")
    try:
        await query.answer(ok=problem is None, error_message=problem)
    except TelegramBadRequest as error:
        # Handled again after a crash: it was answered before, or no money comes.
        if not answers.too_late(error):
            raise


async def _problem(query: PreCheckoutQuery, turn: Turn) -> str | None:
    if _owner(query.invoice_payload) != turn.user_id:
        return turn.t("payment-foreign")
    try:
        async with turn.read() as session:
            await payments.check_payable(
                session,
                user_id=turn.user_id,
                amount=query.total_amount,
                currency=query.currency,
            )
    except errors.DomainError as error:
        await failures.record(turn, error)
        return explain(turn.t, error)
    return None


@router.message(F.successful_payment)
async def paid(message: Message, turn: Turn) -> None:
    """Record the money under Telegram's charge id; it is theirs who paid.

    The word that it was credited comes through the outbox, which no crash loses.
    """
    payment = message.successful_payment
    if payment is None:
        return
    try:
        async with turn.begin() as session:
            deposit = await payments.deposit(
                session,
                user_id=turn.user_id,
                amount=payment.total_amount,
                key=payment.telegram_payment_charge_id,
                source="stars" if payment.currency == STARS else "telegram",
            )
    except (TryLaterError, AlreadyHandledError):
        raise
    except Exception as error:
        # Money that came is never dropped for an error of ours: it is tried again, then parked
        # with its update kept.
        log.exception("payment not recorded")
        raise TryLaterError from error
    if deposit.status is DepositStatus.RECEIVED:
        await answers.show(message, screens.received(turn.t, deposit.amount))


@router.message(F.refunded_payment)
async def taken_back(message: Message, turn: Turn) -> None:
    """Record that Telegram gave a payment back, and tell the admin chat; no money moves here."""
    payment = message.refunded_payment
    if payment is None:
        return
    async with turn.begin() as session:
        await audit.record(
            session,
            actor=turn.actor,
            action="payment_refunded",
            role="advertiser",
            amount=payment.total_amount,
            currency=payment.currency,
            external_reference=payment.telegram_payment_charge_id,
        )
        await outbox.add(
            session,
            user_id=None,
            kind="payment_refunded",
            payload={
                "user_id": turn.user_id,
                "amount": payment.total_amount,
                "currency": payment.currency,
            },
            key=f"payment_refunded:{payment.telegram_payment_charge_id}",
        )
    log.warning("payment refunded by Telegram", amount=payment.total_amount)
