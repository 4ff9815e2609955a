"""Implement the Bot API's methods about invoices and Stars."""

from aiogram import methods

from sandbox.telegram import payments
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.methods.sending import send
from sandbox.telegram.persistence import Json

MAX_TITLE = 32
MAX_DESCRIPTION = 255
MAX_PAYLOAD = 128
MAX_TOTAL = 10**12
STARS = "XTR"


def send_invoice(call: MethodCall[methods.SendInvoice]) -> Json:
    """Send an invoice with a Pay button."""
    request = call.request
    _check_texts(request)
    total = _total(request)
    content = {
        "invoice": {
            "title": request.title,
            "description": request.description,
            "start_parameter": request.start_parameter or "",
            "currency": request.currency,
            "total_amount": total,
        }
    }
    if request.reply_markup and request.reply_markup.inline_keyboard:
        first = next((row for row in request.reply_markup.inline_keyboard if row), None)
        if first and not first[0].pay:
            raise bad_request("the first button must be a Pay button")
    body = send(call, content, keyboard={"inline_keyboard": [[{"text": "Pay", "pay": True}]]})
    payments.store_payload(call.state, body["chat"]["id"], body["message_id"], request.payload)
    return body


def _check_texts(request: methods.SendInvoice) -> None:
    if not 1 <= len(request.title) <= MAX_TITLE:
        raise bad_request("INVOICE_TITLE_INVALID")
    if not 1 <= len(request.description) <= MAX_DESCRIPTION:
        raise bad_request("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(request.payload.encode()) <= MAX_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")


def _total(request: methods.SendInvoice) -> int:
    if len(request.currency) != len(STARS) or not request.currency.isupper():
        raise bad_request("CURRENCY_INVALID")
    total = sum(price.amount for price in request.prices)
    if request.currency == STARS:
        if request.provider_token:
            raise bad_request("PAYMENT_PROVIDER_INVALID")
        if len(request.prices) != 1:
            raise bad_request("STARS_INVOICE_INVALID")
    elif not request.provider_token:
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    if not request.prices or not 1 <= total <= MAX_TOTAL:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return total


def get_star_transactions(call: MethodCall[methods.GetStarTransactions]) -> Json:
    """Return one page of the payments and refunds in Stars, oldest first."""
    offset = call.request.offset or 0
    limit = 100 if call.request.limit is None else call.request.limit
    if offset < 0 or not 1 <= limit <= 100:  # noqa: PLR2004 - Telegram's own bounds
        raise bad_request("invalid offset or limit")
    return {"transactions": payments.list_star_transactions(call.state)[offset : offset + limit]}


def refund_star_payment(call: MethodCall[methods.RefundStarPayment]) -> bool:
    """Refund a payment in Stars, or raise TelegramError if the payment is unknown or refunded."""
    payment = call.state.payments.get(call.request.telegram_payment_charge_id)
    known = payment is not None and payment.user_id == call.request.user_id
    if payment is None or not known or payment.currency != STARS:
        raise bad_request("CHARGE_NOT_FOUND")
    if payment.refunded_at is not None:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    payments.refund_payment(call.state, payment)
    return True
