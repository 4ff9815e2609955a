"""Money of the sandbox's world: paying an invoice and taking it back."""

import secrets
import time

from sandbox import messages, serializers, updates
from sandbox.entities import Payment, Question, Stored
from sandbox.messages import Draft
from sandbox.persistence import Json
from sandbox.state import State


def remember_payload(state: State, chat_id: int, message_id: int, payload: str) -> None:
    """Keep what the bot gave with an invoice; the message itself never shows it."""
    stored = state.messages[chat_id][message_id]
    stored.payload = payload
    state.save(stored)


def ask_before_checkout(state: State, invoice: Stored) -> Question:
    """Send the pre-checkout query of somebody who has pressed Pay."""
    shown = invoice.body["invoice"]
    question = Question(
        secrets.token_hex(9),
        "pre_checkout",
        invoice.chat_id,
        time.time(),
        invoice.chat_id,
        invoice.message_id,
    )
    state.save_question(question)
    body = {
        "id": question.id,
        "from": serializers.user(state.users[invoice.chat_id]),
        "currency": shown["currency"],
        "total_amount": shown["total_amount"],
        "invoice_payload": invoice.payload,
    }
    updates.queue(state, "pre_checkout_query", body)
    return question


def complete(state: State, invoice: Stored) -> Payment:
    """Take the money and tell the bot by a service message."""
    shown = invoice.body["invoice"]
    payment = Payment(
        secrets.token_urlsafe(24),
        invoice.chat_id,
        shown["currency"],
        shown["total_amount"],
        invoice.payload or "",
        state.now(),
    )
    state.save_payment(payment)
    body = _facts(payment) | {"provider_payment_charge_id": secrets.token_hex(12)}
    _tell(state, payment, {"successful_payment": body})
    return payment


def refund(state: State, payment: Payment) -> None:
    """Give the money back and tell the bot by a service message."""
    payment.refunded_at = state.now()
    state.save_payment(payment)
    _tell(state, payment, {"refunded_payment": _facts(payment)})


def _facts(payment: Payment) -> Json:
    return {
        "currency": payment.currency,
        "total_amount": payment.total_amount,
        "invoice_payload": payment.invoice_payload,
        "telegram_payment_charge_id": payment.charge_id,
    }


def _tell(state: State, payment: Payment, content: Json) -> None:
    place = state.chats[payment.user_id]
    messages.post_by_person(state, place, Draft(content, service=True), payment.user_id)


def star_transactions(state: State) -> list[Json]:
    """What went in and out of the bot's Stars, oldest first."""
    found: list[tuple[int, Json]] = []
    for payment in state.payments.values():
        if payment.currency != "XTR":
            continue
        partner = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": serializers.user(state.users[payment.user_id]),
            "invoice_payload": payment.invoice_payload,
        }
        facts = {"id": payment.charge_id, "amount": payment.total_amount}
        found.append((payment.date, {**facts, "date": payment.date, "source": partner}))
        if payment.refunded_at is not None:
            back = {**facts, "date": payment.refunded_at, "receiver": partner}
            found.append((payment.refunded_at, back))
    return [transaction for _, transaction in sorted(found, key=lambda pair: pair[0])]
