"""Model withdrawals in Stars, and the comparison of deposits with Telegram's list."""

from dataclasses import dataclass, field

from db.models.money import WithdrawalStatus
from db.models.operations import Switch
from services.platform import errors
from tests.factories.model import Refused
from tests.factories.model_posts import PostingModel

READ_HOURS = 5 / 60
"""An approval needs a reading of the whole list that is not older than this."""


@dataclass
class Withdrawal:
    """A person's request to be paid out."""

    person: int
    amount: int
    held_at: float
    status: WithdrawalStatus = WithdrawalStatus.REQUESTED


@dataclass
class WithdrawalModel(PostingModel):
    """The expected state of the marketplace, with its withdrawals."""

    recorded_at: dict[str, float] = field(default_factory=dict)
    """When each deposit was recorded, by key."""
    compared: set[str] = field(default_factory=set)
    """The keys of the deposits that Telegram lists."""
    read_at: float | None = None
    """When Telegram's list was last read to its end."""
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)

    def deposit(self, person: int, amount: int, key: str) -> bool:
        """Record a payment, and return whether the payment is credited now."""
        credited = super().deposit(person, amount, key)
        self.recorded_at.setdefault(key, self.now)
        return credited

    def compare(self, *, listed: bool) -> None:
        """Read Telegram's list to its end. If `listed` is true, all deposits are in the list."""
        if listed:
            self.compared = set(self.recorded_at)
        self.read_at = self.now

    def request(self, person: int, amount: int) -> Withdrawal:
        """Request a withdrawal. The caller must store the result under its id."""
        if amount < 1:
            raise Refused(errors.InvalidAmount)
        if not self.switches[Switch.WITHDRAWALS]:
            raise Refused(errors.SwitchStopped)
        if self.balances[person] < amount:
            raise Refused(errors.InsufficientFunds)
        self.balances[person] -= amount
        return Withdrawal(person, amount, held_at=self.now)

    def approve_withdrawal(self, withdrawal_id: int) -> WithdrawalStatus:
        """Approve a withdrawal if the comparison covers the deposits that may pay it."""
        withdrawal = self.withdrawals[withdrawal_id]
        if withdrawal.status is WithdrawalStatus.APPROVED:
            return withdrawal.status
        if withdrawal.status is WithdrawalStatus.RETURNED:
            raise Refused(errors.InvalidMove)
        if not self.switches[Switch.WITHDRAWALS]:
            raise Refused(errors.SwitchStopped)
        uncompared = [
            key
            for key, at in self.recorded_at.items()
            if key not in self.compared and at <= withdrawal.held_at
        ]
        if self.read_at is None or self.read_at + READ_HOURS < self.now or uncompared:
            raise Refused(errors.NotCompared)
        withdrawal.status = WithdrawalStatus.APPROVED
        return withdrawal.status

    def return_withdrawal(self, withdrawal_id: int) -> WithdrawalStatus:
        """Return the money of a withdrawal to its person."""
        withdrawal = self.withdrawals[withdrawal_id]
        if withdrawal.status is not WithdrawalStatus.RETURNED:
            self.balances[withdrawal.person] += withdrawal.amount
            withdrawal.status = WithdrawalStatus.RETURNED
        return withdrawal.status
