"""Test the priorities of messages."""

import pytest

from scheduler import notices
from services.platform import priorities
from services.platform.priorities import Priority


@pytest.mark.parametrize(
    ("kind", "priority"),
    [
        ("ledger_violation", Priority.ALARM),
        ("switch_changed", Priority.ALARM),
        ("payment_parked", Priority.ALARM),
        ("telegram_down", Priority.ALARM),
        ("deposit_clawed_back", Priority.ALARM),
        ("deposit_credited", Priority.RESULT),
        ("withdrawal_changed", Priority.RESULT),
        ("target_submitted", Priority.CARD),
    ],
)
def test_alarms_come_before_results_and_results_before_cards(kind: str, priority: Priority) -> None:
    assert priorities.priority_of(kind) is priority


def test_the_table_names_only_kinds_that_exist() -> None:
    assert set(priorities._PRIORITIES) <= notices.KINDS
