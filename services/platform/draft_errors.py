"""Define the errors about changes of campaigns."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class BudgetTooLow(DomainError):
    """The budget of a campaign that was activated never becomes lower than `least` minor units."""

    campaign_id: int
    least: int
