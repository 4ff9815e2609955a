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
