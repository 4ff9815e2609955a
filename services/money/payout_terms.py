"""Describe the conditions under which people withdraw money."""

from dataclasses import dataclass

from db.money import STARS
from services.money import fees


@dataclass(frozen=True)
class PayoutTerms:
    """The conditions of withdrawals, which the operators set. Amounts are in minor units."""

    least: int = 1
    """The smallest withdrawal."""
    fee_bps: int = 0
    """The platform's fee of a withdrawal, in basis points of its amount."""
    stars_hold_days: int = 0
    """For how many days a payout in Stars stays in its owner's wallet. 0 means no hold."""

    def fee(self, amount: int) -> int:
        """Return the fee of a withdrawal of `amount`, which is always below the amount."""
        return fees.fee_of(amount, self.fee_bps)

    def hold_days(self, currency: str) -> int | None:
        """Return for how many days payouts in a currency stay in the wallet, or None."""
        return self.stars_hold_days or None if currency == STARS else None


FREE_OF_CHARGE = PayoutTerms()
"""No smallest amount, no fee and no hold."""
