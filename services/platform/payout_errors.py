"""Define the errors about the addresses to which people are paid, and about what can be paid."""

from dataclasses import dataclass
from datetime import datetime

from services.platform.errors import DomainError


@dataclass(eq=False)
class DestinationMissing(DomainError):
    """The person has no confirmed payout destination with this id."""


@dataclass(eq=False)
class DestinationDropped(DomainError):
    """The person has said that the address of a withdrawal is wrong, or not theirs."""

    withdrawal_id: int


@dataclass(eq=False)
class DestinationTooNew(DomainError):
    """The payout destination was changed, and no withdrawal goes there before this time."""

    until: datetime


@dataclass(eq=False)
class FeeChanged(DomainError):
    """The fee of the withdrawal is not the one that the person has read."""

    fee: int
    """The fee now, in minor units."""


@dataclass(eq=False)
class NotYetWithdrawable(DomainError):
    """Payouts that are too young would pay a part of the withdrawal. Amounts are in minor units."""

    needed: int
    left: int
    """How much can be withdrawn now."""
    until: datetime
    """From this time on, the whole amount can be withdrawn."""
    currency: str


@dataclass(eq=False)
class DestinationUnreadable(DomainError):
    """The stored address belongs to another person or method, or no key decrypts it."""

    destination_id: int
