"""The platform's fee: whole minor units, in the platform's disfavour."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from db.money import MAX_AMOUNT, fee


@given(st.integers(1, MAX_AMOUNT), st.integers(0, 9_999))
def test_the_fee_is_the_floor_and_never_everything(amount: int, fee_bps: int) -> None:
    exact = Fraction(amount * fee_bps, 10_000)
    assert fee(amount, fee_bps) <= exact < fee(amount, fee_bps) + 1
    assert 0 <= fee(amount, fee_bps) < amount


def test_known_fees() -> None:
    assert fee(5_000, 1_000) == 500
    assert fee(9, 1_000) == 0
    assert fee(1, 9_999) == 0
    assert fee(MAX_AMOUNT, 9_999) == 999_900_000_000_000
