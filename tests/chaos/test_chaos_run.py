"""Test the failpoints, the random rounds and the judge of the chaos run."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.telegram.sender import Sender
from db.models.complaints import ComplaintStatus, Outcome, StepKind
from services.posts import removal
from tests.chaos import __main__ as chaos
from tests.chaos import complainers, complaint_kills, failpoints, kill_loop, recovery_time, rounds
from tests.chaos.oracle import judge, judge_charges, judge_removals, judge_stops


def test_every_named_function_is_a_failpoint() -> None:
    points = set(failpoints.points())
    for module, functions in failpoints.SERVICES.items():
        for function in functions:
            assert f"{module.rpartition('.')[2]}.{function} after commit" in points
    for class_name, functions in failpoints.TELEGRAM_CALLS.items():
        for function in functions:
            assert f"{class_name.rpartition(':')[2]}.{function} before" in points


def test_every_named_function_of_a_removal_exists() -> None:
    for function in failpoints.REMOVAL_FUNCTIONS:
        assert callable(getattr(removal, function))
    assert callable(getattr(Sender, failpoints.DELETION[1]))
    assert f"removal.{failpoints.REMOVAL_FUNCTIONS[0]} after commit" in failpoints.removal_points()


def test_every_named_point_is_a_failpoint() -> None:
    points = failpoints.points() + failpoints.removal_points()
    assert set(recovery_time.POINTS) <= set(points)
    for prefix in (*kill_loop.EVERY_POST, *failpoints.FREQUENT, complaint_kills.POINTS):
        assert any(point.startswith(prefix) for point in points), prefix


GOOD_RUN = {
    **dict.fromkeys(chaos.MUST_BE_ZERO, 0),
    "recovery_s_max": 31.0,
    "resolved_without_person_share": 1.0,
    "kills": chaos.LONG_RUN_KILLS,
    "stopped_and_woken": 2,
    "posts_taken_down": 1,
    "albums": 1,
    "killed_during_removals": 1,
    "killed_during_complaints": 1,
    "outages": {"Valkey frozen": 3},
    "send_faults": {"cut_after": 1},
    "broken_promises": {"edit": 1},
    "refunded_money": {"in escrow": 1},
    "owners_answers": {"decline": 1},
    "cancellations": {"cancel twice": 1},
    "complaints": {"split": 1},
    "stops_of_everything": 1,
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"duplicates": 1}, ["duplicates: 1"]),
        ({"unresolved": 2}, ["unresolved: 2"]),
        ({"recovery_s_max": 60.0}, ["recovery_s_max: 60.0"]),
        ({"resolved_without_person_share": 0.98}, ["resolved_without_person_share: 0.98"]),
        ({"resolved_without_person_share": 0.5, "kills": 8}, []),
        ({"altered_paid_as_stayed": 1}, ["altered_paid_as_stayed: 1"]),
        ({"broken_promises": {"edit": 0}}, ["never happened: edit"]),
        ({"albums": 0}, ["never happened: album"]),
        ({"charges_unlike_books": 1}, ["charges_unlike_books: 1"]),
        ({"refunded_money": {"in escrow": 0}}, ["never happened: refund of money in escrow"]),
        ({"owners_answers": {"decline": 0}}, ["never happened: decline"]),
        ({"cancelled_and_published": 1}, ["cancelled_and_published: 1"]),
        ({"cancellations": {"cancel twice": 0}}, ["never happened: cancel twice"]),
        ({"complaints_without_end": 1}, ["complaints_without_end: 1"]),
        ({"settled_despite_complaint": 1}, ["settled_despite_complaint: 1"]),
        ({"parts_unlike_decisions": 1}, ["parts_unlike_decisions: 1"]),
        ({"complaints": {"split": 0}}, ["never happened: complaint split"]),
        ({"moved_while_stopped": 1}, ["moved_while_stopped: 1"]),
        ({"stops_of_everything": 0}, ["never happened: stop of everything"]),
        ({"stops_of_everything": None}, []),
        ({"removals_unlike_channels": 1}, ["removals_unlike_channels: 1"]),
        ({"posts_taken_down": 0}, ["never happened: removal of a post"]),
        ({"killed_during_removals": 0}, ["never happened: kill during a removal"]),
        (
            {"killed_during_complaints": 0},
            ["never happened: kill at the end of a complaint's step"],
        ),
        ({"stopped_and_woken": 0}, ["never happened: stopped and woken"]),
        ({"outages": {"Valkey frozen": 0}}, ["never happened: Valkey frozen"]),
        ({"send_faults": {"cut_after": 0}}, ["never happened: cut_after"]),
        ({"send_faults": {"cut_after": 0}, "kills": 8}, []),
    ],
)
def test_a_run_reports_its_problems(changed: dict[str, object], expected: list[str]) -> None:
    assert chaos.problems(GOOD_RUN | changed) == expected


def test_a_round_leaves_nothing_out() -> None:
    items = rounds.Rounds("abc", random.Random(1))
    assert [sorted(items.draw() for _ in range(3)) for _ in range(4)] == [["a", "b", "c"]] * 4
    assert items.completed == 4


def placement(**facts: object) -> dict[str, object]:
    """Return a paid placement whose post has the message id 5."""
    return {
        "id": 1,
        "chat_id": -100,
        "text": "ad",
        "target": "posted",
        "job": "success",
        "message_id": 5,
        "other_ids": [],
        "messages": 1,
        "removed_message_id": None,
        "escrow": "released",
        "amount": 100,
        "payouts": 1,
        "refunds": 0,
        "holds": 1,
        "was_uncertain": False,
        "on_card": False,
        "cancelled": False,
        "refund_decided": False,
        "said_stayed": True,
    } | facts


def test_the_oracle_finds_every_kind_of_mistake() -> None:
    """Check that the judge of a chaos run finds every kind of mistake."""
    published = {(-100, "ad"): [[5]]}
    not_published: dict[tuple[int, str], list[list[int]]] = {}
    refunded = {"target": "refunded", "escrow": "refunded", "payouts": 0, "refunds": 1}
    held = {"target": "approved", "escrow": "held", "payouts": 0}

    clean = judge([placement()], published, {})
    assert not any(clean[name] for name in ("duplicates", "lost", "moved_on_unknown"))
    assert clean["contradictions"] == 0
    assert judge([placement()], {(-100, "ad"): [[5], [6]]}, {})["duplicates"] == 1
    again = placement(removed_message_id=4)
    twice = {(-100, "ad"): [[4], [5]]}
    assert judge([again], twice, {(-100, 4): {"delete"}})["duplicates"] == 0
    assert judge([again], twice, {(-100, 4): {"edit"}})["duplicates"] == 1
    thrice = {(-100, "ad"): [[4], [5], [6]]}
    assert judge([again], thrice, {(-100, 4): {"delete"}})["duplicates"] == 1
    assert judge([placement()], published | {(-100, "other"): [[9]]}, {})["duplicates"] == 1
    assert judge([placement()], not_published, {})["lost"] == 1
    album = {(-100, "ad"): [[5, 6]]}
    assert judge([placement(other_ids=[6], messages=2)], album, {})["lost"] == 0
    assert judge([placement(messages=2)], album, {})["lost"] == 1
    assert judge([placement(other_ids=[7], messages=2)], album, {})["lost"] == 1
    assert judge([placement(job="queued", **held)], not_published, {})["lost"] == 1
    assert judge([placement()], not_published, {})["moved_on_unknown"] == 1
    assert judge([placement(job="failed", **refunded)], published, {})["moved_on_unknown"] == 1
    assert judge([placement(job="uncertain")], published, {})["moved_on_unknown"] == 1
    assert judge([placement(payouts=2)], published, {})["contradictions"] == 1
    verdict = judge([placement(job="uncertain", was_uncertain=True, **held)], published, {})
    assert verdict["unresolved"] == 1
    assert verdict["resolved_without_person_share"] == 0
    cancelled = placement(job="cancelled", cancelled=True, **refunded)
    assert judge([cancelled], not_published, {})["cancelled_and_published"] == 0
    assert judge([cancelled], published, {})["cancelled_and_published"] == 1
    failed = placement(job="failed", cancelled=True, **refunded)
    assert judge([failed], not_published, {})["cancelled_and_published"] == 1
    unsettled = placement(job="cancelled", cancelled=True, **held)
    assert judge([unsettled], not_published, {})["contradictions"] == 1
    acts = {(-100, 5): {"edit"}}
    assert judge([placement()], published, acts)["altered_paid_as_stayed"] == 1
    told = placement(said_stayed=False)
    assert judge([told], published, acts)["altered_paid_as_stayed"] == 0
    locked_out = {(-100, 5): {"take_rights"}}
    assert judge([placement()], published, locked_out)["altered_paid_as_stayed"] == 0
    given_back = placement(job="failed", **refunded)
    assert judge([given_back], published, locked_out)["moved_on_unknown"] == 0
    assert judge([given_back], published, {})["moved_on_unknown"] == 1
    decided = given_back | {"refund_decided": True}
    assert judge([decided], published, {})["moved_on_unknown"] == 0


def test_the_counts_of_a_run_have_every_choice() -> None:
    drawn = {choice.split()[-1] for choices in complainers.CHOICES.values() for choice in choices}
    assert drawn - {complainers.SILENCE} <= set(complainers.COUNTED)
    assert set(complainers.CHOICES) == set(ComplaintStatus) - {ComplaintStatus.CLOSED}
    assert set(Outcome) <= set(complainers.COUNTED)
    # No owner of the run lets the bot publish a removed post again.
    again = {StepKind.GONE, StepKind.REPUBLISHING, StepKind.REPUBLISHED}
    assert set(StepKind) - set(complainers.COUNTED) == again | {StepKind.TIMED_OUT, StepKind.ENDED}


@pytest.mark.parametrize(
    ("reason", "minute", "wrong"),
    [
        ("payout", 2, 1),
        ("payout", 0, 0),
        ("payout", 4, 0),
        ("refund", 2, 0),
        ("clawback", 2, 0),
    ],
)
def test_the_oracle_finds_a_transfer_during_a_stop(reason: str, minute: int, wrong: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    stop = {
        "switch": "payouts",
        "since": (start + timedelta(minutes=1)).isoformat(),
        "until": (start + timedelta(minutes=3)).isoformat(),
    }
    transfer = {"id": 1, "reason": reason, "created_at": start + timedelta(minutes=minute)}
    assert judge_stops([transfer], [stop])["moved_while_stopped"] == wrong


@pytest.mark.parametrize(
    ("changed", "left", "requests", "wrong"),
    [
        ({}, [], 1, 0),
        ({}, [5, 6], 1, 1),
        ({}, [6], 1, 1),
        ({"status": None, "claims": 0}, [5, 6], 0, 0),
        ({"status": None, "claims": 0}, [5], 0, 1),
        ({"status": None, "claims": 0}, [], 0, 1),
        ({"status": "refused"}, [5], 1, 0),
        ({"status": "uncertain"}, [], 1, 1),
        ({"escrow": "held"}, [], 1, 1),
        ({}, [], 2, 1),
        ({"claims": 2}, [], 2, 0),
    ],
)
def test_the_oracle_compares_the_removals_with_the_channels(
    changed: dict[str, object], left: list[int], requests: int, wrong: int
) -> None:
    row = {"id": 1, "chat_id": -1, "message_ids": [5, 6], "status": "done", "claims": 1}
    post = row | {"escrow": "released"} | changed
    verdict = judge_removals([post], {-1: set(left)}, {-1: requests})
    assert verdict["removals_unlike_channels"] == wrong


PAYER = 77
LISTED = [
    {"id": "kept", "amount": 100, "source": {"user": {"id": PAYER}}},
    {"id": "back", "amount": 100, "source": {"user": {"id": PAYER}}},
    {"id": "back", "amount": 100, "receiver": {"user": {"id": PAYER}}},
]


def deposit(charge_id: str, **facts: object) -> dict[str, object]:
    """Return a credited deposit of 100 that was never refunded."""
    return {
        "charge_id": charge_id,
        "telegram_id": PAYER,
        "amount": 100,
        "currency": "XTR",
        "status": "credited",
        "taken_back": None,
        "recovered": None,
        "loss": None,
    } | facts


def refunded_deposit(**facts: object) -> dict[str, object]:
    """Return a refunded deposit of 100, of which 60 are a loss."""
    taken = {"status": "clawed_back", "taken_back": 100, "recovered": 40, "loss": 60}
    return deposit("back", **taken | facts)


def payer(**facts: int) -> dict[str, object]:
    """Return the row of the person who pays."""
    person: dict[str, object] = {
        "telegram_id": PAYER,
        "outside": 100,
        "loss": 60,
        "other_payments": 0,
        "withdrawn": 0,
    }
    return person | facts


@pytest.mark.parametrize(
    ("deposits", "person", "wrong"),
    [
        ([deposit("kept"), refunded_deposit()], payer(), 0),
        ([deposit("kept"), refunded_deposit()], payer(other_payments=5, withdrawn=5), 0),
        ([deposit("kept"), refunded_deposit(recovered=0, loss=0)], payer(loss=0), 0),
        ([refunded_deposit()], payer(outside=0), 2),
        ([deposit("kept"), refunded_deposit(), deposit("invented")], payer(), 1),
        ([deposit("kept"), refunded_deposit(status="credited")], payer(), 1),
        ([deposit("kept"), refunded_deposit(recovered=39)], payer(), 1),
        ([deposit("kept"), refunded_deposit(taken_back=99)], payer(), 1),
        ([deposit("kept", amount=99), refunded_deposit()], payer(), 1),
        ([deposit("kept", telegram_id=1), refunded_deposit()], payer(), 1),
        ([deposit("kept", currency="USD"), refunded_deposit()], payer(), 1),
        ([deposit("kept", status="received"), refunded_deposit()], payer(), 1),
        ([deposit("kept"), refunded_deposit()], payer(outside=200), 1),
        ([deposit("kept"), refunded_deposit()], payer(withdrawn=1), 1),
        ([deposit("kept"), refunded_deposit()], payer(loss=0), 1),
    ],
)
def test_the_oracle_compares_the_books_with_the_charges(
    deposits: list[dict[str, object]], person: dict[str, object], wrong: int
) -> None:
    verdict = judge_charges(LISTED, deposits, [person])
    assert verdict["charges_unlike_books"] == wrong, verdict
    assert (verdict["charges"], verdict["refunded_charges"]) == (2, 1)
