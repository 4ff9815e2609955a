"""Test the conditions of withdrawals, and the rounding of fees."""

import pytest

from db.money import MAX_AMOUNT, STARS
from services.money import fees
from services.money.payout_terms import FREE_OF_CHARGE, PayoutTerms


@pytest.mark.parametrize(
    ("amount", "fee_bps", "fee"),
    [(1_000, 500, 50), (999, 500, 49), (1, 9_999, 0), (10, 9_999, 9), (MAX_AMOUNT, 1, 10**11)],
)
def test_a_fee_is_rounded_down_and_leaves_something(amount: int, fee_bps: int, fee: int) -> None:
    assert fees.fee_of(amount, fee_bps) == PayoutTerms(fee_bps=fee_bps).fee(amount) == fee < amount


def test_only_stars_have_a_hold() -> None:
    terms = PayoutTerms(stars_hold_days=21)
    assert (terms.hold_days(STARS), terms.hold_days("USD")) == (21, None)
    assert FREE_OF_CHARGE.hold_days(STARS) is None
    assert FREE_OF_CHARGE.fee(1_000) == 0
