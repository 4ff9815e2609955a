"""Define the errors about payments that people make to the platform."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class InvoicePaid(DomainError):
    """The invoice is already paid. The amount is in minor units."""

    balance: int
    """The available money of the person."""
    currency: str


@dataclass(eq=False)
class InvoiceBusy(DomainError):
    """The same invoice is being paid at this moment, for example on another device."""


@dataclass(eq=False)
class NotReturnable(DomainError):
    """The payment was not made in Stars, or it is not credited, so that nobody can give it back."""

    deposit_id: int


@dataclass(eq=False)
class AlreadyReturned(DomainError):
    """The payment was given back, or the payer has reversed it."""

    deposit_id: int


@dataclass(eq=False)
class ReturnTooLate(DomainError):
    """The payment was made so long ago that its Stars may have left the bot."""

    limit: int
    """How many days after the payment it can be given back."""


@dataclass(eq=False)
class DepositSpent(DomainError):
    """A part of the payment was spent. Amounts are in minor units."""

    needed: int
    """The amount of the payment, which is only given back whole."""
    left: int
    """The part of all paid-in money that is left."""
    currency: str


@dataclass(eq=False)
class CorrectionOpen(DomainError):
    """The staff are repairing the books of this person's wallet."""
