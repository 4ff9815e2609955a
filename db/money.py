"""Define the constants of money. Amounts are whole minor units (cents, Stars), never floats."""

STARS = "XTR"
"""The currency of Telegram Stars, counted in whole Stars."""

MAX_AMOUNT = 10**15
"""The largest amount of one movement, in minor units."""
