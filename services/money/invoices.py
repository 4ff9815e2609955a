"""Write and read the payload of an invoice: a text that Telegram returns with the payment."""

import re
from dataclasses import dataclass

from services.platform import errors

_PAYLOAD = re.compile(r"topup:([0-9]{1,18}):(?:([0-9]{1,18}):([A-Z]{3}):)?[0-9a-z]{1,64}")


@dataclass(frozen=True)
class InvoiceTerms:
    """The payer, the amount and the currency of an invoice.

    `amount` (minor units) and `currency` are None in an old invoice, which matches every payment.
    """

    user_id: int
    amount: int | None
    currency: str | None

    def matches(self, amount: int, currency: str) -> bool:
        """Return whether a payment has the invoice's amount (minor units) and currency."""
        return self.amount in {None, amount} and self.currency in {None, currency}


def build_payload(user_id: int, amount: int, currency: str, nonce: str) -> str:
    """Build the payload of an invoice, which Telegram limits to 128 bytes.

    `amount` is in minor units. `nonce` makes the payload unique.
    """
    return f"topup:{user_id}:{amount}:{currency}:{nonce}"


def read_payload(payload: str) -> InvoiceTerms | None:
    """Return the terms in an invoice's payload, or None if this bot did not write the payload."""
    parts = _PAYLOAD.fullmatch(payload)
    if parts is None:
        return None
    user_id, amount, currency = parts.groups()
    return InvoiceTerms(int(user_id), None if amount is None else int(amount), currency)


def require_match(payload: str, *, charge_id: str, amount: int, currency: str) -> None:
    """Raise PaymentMismatch if a payment differs from its invoice in amount or currency.

    `amount` is in minor units. A payload that this bot did not write raises PaymentMismatch too.
    """
    terms = read_payload(payload)
    if terms is None:
        raise errors.PaymentMismatch(charge_id, "an invoice of this bot", f"{amount} {currency}")
    if not terms.matches(amount, currency):
        raise errors.PaymentMismatch(
            charge_id, f"{terms.amount} {terms.currency}", f"{amount} {currency}"
        )
