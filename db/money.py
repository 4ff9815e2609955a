"""Arithmetic of money: whole minor units, never floats."""

MAX_AMOUNT = 10**15
"""The most that one movement may be, far below what a balance can hold."""
