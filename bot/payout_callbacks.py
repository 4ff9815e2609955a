"""Define the data in the buttons of withdrawals that have a fee."""

from aiogram.filters.callback_data import CallbackData


class WithdrawWithFee(CallbackData, prefix="wfee"):
    """The data of a button that requests a withdrawal with a fee, as `Withdraw` and `WithdrawTo`.

    `fee_bps` is the fee that the person has read, in basis points. `destination` is 0 if the
    platform asks for no address. The database function `require_own_act` knows this data.
    """

    amount: int
    key: str
    fee_bps: int
    destination: int
