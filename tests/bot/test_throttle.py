"""Test which updates the bot drops if one person sends too many per minute."""

from typing import Any

import pytest

from bot import throttle
from bot.throttle import Throttle, Verdict


def _message(person_id: object = 7, **parts: object) -> dict[str, Any]:
    return {"message": {"from": {"id": person_id}, "text": "hello", **parts}}


def test_updates_above_the_limit_are_dropped_and_told_once() -> None:
    limited = Throttle(per_minute=2)
    found = [limited.judge(_message()) for _ in range(4)]
    assert found == [Verdict.HANDLE, Verdict.HANDLE, Verdict.DROP_AND_TELL, Verdict.DROP]
    assert limited.judge(_message(8)) is Verdict.HANDLE


def test_the_next_minute_starts_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = Throttle(per_minute=1)
    assert [limited.judge(_message()) for _ in range(2)][1] is Verdict.DROP_AND_TELL
    monkeypatch.setattr(throttle, "MINUTE", 0.0)
    assert limited.judge(_message()) is Verdict.HANDLE


@pytest.mark.parametrize(
    "payload",
    [
        _message(successful_payment={}),
        _message(refunded_payment={}),
        _message("seven"),
        {"pre_checkout_query": {"from": {"id": 7}}},
        {"my_chat_member": {"from": {"id": 7}}},
        {"message": "text"},
    ],
)
def test_payments_and_other_kinds_are_always_handled(payload: dict[str, Any]) -> None:
    limited = Throttle(per_minute=0)
    assert limited.judge(payload) is Verdict.HANDLE


def test_presses_are_counted_too() -> None:
    limited = Throttle(per_minute=0)
    assert limited.judge({"callback_query": {"from": {"id": 7}}}) is Verdict.DROP_AND_TELL
