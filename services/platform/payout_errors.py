"""Define the errors about the addresses to which people are paid."""

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
class DestinationUnreadable(DomainError):
    """The stored address belongs to another person or method, or no key decrypts it."""

    destination_id: int
