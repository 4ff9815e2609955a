"""Constants of money. Amounts are whole minor units, never floats."""

STARS = "XTR"
"""Telegram's own currency: amounts are whole Stars, and no payment provider is involved."""

MAX_AMOUNT = 10**15
"""The largest amount of one movement in minor units, far below what a balance can hold."""
