"""Build the parts of the question whether a person wants to withdraw an amount."""

from dataclasses import dataclass

from bot.callbacks import Withdraw, WithdrawTo
from bot.payout_callbacks import WithdrawWithFee
from bot.texts import Texts


@dataclass(frozen=True)
class AskedWithdrawal:
    """The withdrawal that a person is asked to confirm. Amounts are in minor units."""

    amount: int
    fee: int
    fee_bps: int
    """The rate of the fee, in basis points."""
    left: int
    """The amount that remains in the wallet."""
    key: str
    """Two presses with the same key make one withdrawal."""
    days: int
    """The expected time until the payment."""

    @property
    def payable(self) -> int:
        """The amount that the person gets outside the platform."""
        return self.amount - self.fee


def question(t: Texts, asked: AskedWithdrawal) -> str:
    """Build the text: what leaves the wallet, what arrives, and when."""
    text = t(
        "withdraw-sure", amount=t.money(asked.amount), left=t.money(asked.left), days=asked.days
    )
    return f"{text}\n\n{fee_line(t, asked.amount, asked.fee)}" if asked.fee else text


def fee_line(t: Texts, amount: int, fee: int, currency: str | None = None) -> str:
    """Build the sentence about what a person gets of an amount (minor units), and what the fee is.

    `currency` is None for the currency of the texts.
    """
    return t(
        "withdrawal-fee",
        payable=t.money(amount - fee, currency),
        amount=t.money(amount, currency),
        fee=t.money(fee, currency),
    )


def confirm(
    asked: AskedWithdrawal, destination_id: int | None = None
) -> Withdraw | WithdrawTo | WithdrawWithFee:
    """Build the data of the button that requests the withdrawal, to an address if there is one."""
    if asked.fee:
        return WithdrawWithFee(
            amount=asked.amount,
            key=asked.key,
            fee_bps=asked.fee_bps,
            destination=destination_id or 0,
        )
    if destination_id is None:
        return Withdraw(amount=asked.amount, key=asked.key)
    return WithdrawTo(amount=asked.amount, key=asked.key, destination=destination_id)
