"""Define the errors about complaints of advertisers."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class ComplaintOpen(DomainError):
    """A complaint about the placement is open, so its money does not move."""

    target_id: int


@dataclass(eq=False)
class ComplaintMovedOn(DomainError):
    """The complaint has another status by now, in which this step is not possible."""

    complaint_id: int
    status: str


@dataclass(eq=False)
class ComplaintRefused(DomainError):
    """There can be no complaint about the placement now. `why` names the reason."""

    target_id: int
    why: str


@dataclass(eq=False)
class RepublicationRefused(DomainError):
    """The removed post of a complaint cannot be published again now. `why` names the reason."""

    complaint_id: int
    why: str


@dataclass(eq=False)
class SplitTooSmall(DomainError):
    """A part of the split would be less than the smallest unit of money."""

    complaint_id: int
