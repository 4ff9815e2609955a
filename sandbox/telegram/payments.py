"""Pay and refund invoices of the simulated Telegram."""

import secrets
import time

from sandbox.telegram import messages, serializers, updates
from sandbox.telegram.entities import Message, Payment, Query
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State


def store_payload(state: State, chat_id: int, message_id: int, payload: str) -> None:
    """Store the payload of an invoice, a text that the message does not show."""
    message = state.messages[chat_id][message_id]
    message.payload = payload
    state.save(message)


def send_pre_checkout_query(state: State, invoice: Message) -> Query:
    """Ask the bot whether a payment may begin, and return this query."""
    fields = invoice.body["invoice"]
    query = Query(
        secrets.token_hex(9),
        "pre_checkout",
        invoice.chat_id,
        time.time(),
        invoice.chat_id,
        invoice.message_id,
    )
    state.save_query(query)
    body = {
        "id": query.id,
        "from": serializers.serialize_user(state.users[invoice.chat_id]),
        "currency": fields["currency"],
        "total_amount": fields["total_amount"],
        "invoice_payload": invoice.payload,
    }
    updates.queue(state, "pre_checkout_query", body)
    return query


def complete_payment(state: State, invoice: Message) -> Payment:
    """Store a payment and send the bot a service message."""
    fields = invoice.body["invoice"]
    payment = Payment(
        secrets.token_urlsafe(24),
        invoice.chat_id,
        fields["currency"],
        fields["total_amount"],
        invoice.payload or "",
        state.now(),
        number=state.next_number("payments"),
    )
    state.save_payment(payment)
    invoice.charge_id = payment.charge_id
    state.save_message(invoice)
    body = _payment_fields(payment) | {"provider_payment_charge_id": secrets.token_hex(12)}
    _post_service_message(state, payment, {"successful_payment": body}, author_id=payment.user_id)
    return payment


def refund_payment(state: State, payment: Payment) -> None:
    """Mark a payment as refunded and send the bot a service message."""
    payment.refunded_at = state.now()
    payment.refund_number = state.next_number("payments")
    state.save_payment(payment)
    # The sender of a refund's message is the bot itself, and the payer is only in `chat`.
    body = {"refunded_payment": _payment_fields(payment)}
    _post_service_message(state, payment, body, author_id=state.bot_id)


def _payment_fields(payment: Payment) -> Json:
    return {
        "currency": payment.currency,
        "total_amount": payment.total_amount,
        "invoice_payload": payment.invoice_payload,
        "telegram_payment_charge_id": payment.charge_id,
    }


def _post_service_message(state: State, payment: Payment, content: Json, *, author_id: int) -> None:
    chat = state.chats[payment.user_id]
    messages.post_by_person(state, chat, Draft(content, service=True), author_id)


def list_star_transactions(state: State) -> list[Json]:
    """Return payments and refunds in Stars, oldest first.

    A new transaction is always the last in the list.
    """
    dated: list[tuple[tuple[int, int], Json]] = []
    for payment in state.payments.values():
        if payment.currency != "XTR":
            continue
        partner = {
            "type": "user",
            "transaction_type": "invoice_payment",
            "user": serializers.serialize_user(state.users[payment.user_id]),
            "invoice_payload": payment.invoice_payload,
        }
        facts = {"id": payment.charge_id, "amount": payment.total_amount}
        paid = {**facts, "date": payment.date, "source": partner}
        dated.append(((payment.date, payment.number), paid))
        if payment.refunded_at is not None:
            back = {**facts, "date": payment.refunded_at, "receiver": partner}
            dated.append(((payment.refunded_at, payment.refund_number), back))
    return [transaction for _, transaction in sorted(dated, key=lambda pair: pair[0])]
