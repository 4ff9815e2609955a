"""Arithmetic of money: whole minor units, never floats."""

BPS = 10_000
"""Basis points in a whole."""

MAX_AMOUNT = 10**15
"""The most that one movement may be, far below what a balance can hold."""


def fee(amount: int, fee_bps: int) -> int:
    """Return the platform's part of an amount: floor(amount x fee_bps / 10 000), minor units."""
    return amount * fee_bps // BPS
