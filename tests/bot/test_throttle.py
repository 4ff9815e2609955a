"""Test which updates the bot drops if one person sends too many per minute."""

import time
from typing import Any

import pytest

from bot import throttle
from bot.throttle import Throttle, Verdict


def _message(person_id: object = 7, **parts: object) -> dict[str, Any]:
    return {"message": {"from": {"id": person_id}, "text": "hello", **parts}}


def test_updates_above_the_limit_are_dropped_and_told_once() -> None:
    limited = Throttle(per_minute=2)
    found = [limited.judge(_message()) for _ in range(4)]
    assert found == [Verdict.HANDLE, Verdict.HANDLE, Verdict.DROP_AND_NOTIFY, Verdict.DROP]
    assert limited.judge(_message(8)) is Verdict.HANDLE


def test_the_next_minute_starts_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = Throttle(per_minute=1)
    assert [limited.judge(_message()) for _ in range(2)][1] is Verdict.DROP_AND_NOTIFY
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
    assert limited.judge({"callback_query": {"from": {"id": 7}}}) is Verdict.DROP_AND_NOTIFY


def test_the_counts_of_many_people_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_PEOPLE", 3)
    limited = Throttle(per_minute=1)
    assert [limited.judge(_message(number)) for number in range(1, 4)] == [Verdict.HANDLE] * 3
    assert limited.judge(_message(1)) is Verdict.DROP_AND_NOTIFY
    assert limited.judge(_message(4)) is Verdict.HANDLE
    assert limited.judge(_message(3)) is Verdict.DROP_AND_NOTIFY
    assert limited.judge(_message(1)) is Verdict.HANDLE, "the oldest count was removed"


def test_each_update_costs_the_same_with_many_people() -> None:
    limited = Throttle()
    began = time.process_time()
    for number in range(100_000):
        limited.judge(_message(number))
    assert time.process_time() - began < 2.0


def test_a_persons_refused_acts_are_audited_sixty_times_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limited = Throttle()
    assert [limited.may_audit(7) for _ in range(62)] == [True] * 60 + [False] * 2
    assert limited.may_audit(8)
    monkeypatch.setattr(throttle, "HOUR", 0.0)
    assert limited.may_audit(7)


def test_updates_are_stored_up_to_the_one_that_tells_the_person() -> None:
    limited = Throttle(per_minute=2)
    for _ in range(3):
        assert limited.may_store(_message())
        assert limited.may_store(_message()), "only what was stored counts"
        limited.count_stored(_message())
    assert not limited.may_store(_message())
    assert limited.may_store(_message(8))
    assert limited.may_store(_message(successful_payment={}))
    found = [limited.judge(_message()) for _ in range(3)]
    assert found[2] is Verdict.DROP_AND_NOTIFY


def test_a_person_may_write_again_in_the_next_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = Throttle(per_minute=0)
    limited.count_stored(_message())
    assert not limited.may_store(_message())
    monkeypatch.setattr(throttle, "MINUTE", 0.0)
    assert limited.may_store(_message())
