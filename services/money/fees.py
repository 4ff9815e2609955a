"""Compute the platform's part of an amount."""

_WHOLE = 10_000
"""All of an amount, in basis points."""


def fee_of(amount: int, fee_bps: int) -> int:
    """Return the platform's fee of an amount, in minor units, rounded down.

    `fee_bps` is the fee in basis points (hundredths of a per cent) of the amount.
    """
    return amount * fee_bps // _WHOLE
