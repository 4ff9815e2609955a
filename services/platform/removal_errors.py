"""Define the errors about channels whose owners removed posts early."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class RemovedEarly(DomainError):
    """The channel can't be offered before the staff have looked at its early removals."""

    channel_id: int
