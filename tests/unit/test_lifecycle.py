"""The tables of moves: complete, and the only way."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from db.models.campaigns import CampaignStatus, ChannelStatus, TargetStatus
from db.models.money import CorrectionStatus, DepositStatus, EscrowStatus, WithdrawalStatus
from db.models.operations import OutboxStatus
from db.models.posting import PostJobStatus
from services import errors, lifecycle
from services.lifecycle import Who

TABLES: dict[str, tuple[Mapping[Any, frozenset[Who]], type[StrEnum], str, set[str]]] = {
    "campaign": (lifecycle.CAMPAIGN, CampaignStatus, "draft", {"cancelled", "completed"}),
    "target": (
        lifecycle.TARGET,
        TargetStatus,
        "pending",
        {"posted", "refunded", "rejected", "withdrawn", "expired"},
    ),
    "escrow": (lifecycle.ESCROW, EscrowStatus, "held", {"released", "refunded"}),
    "post_job": (lifecycle.POST_JOB, PostJobStatus, "queued", {"failed", "cancelled"}),
    "channel": (lifecycle.CHANNEL, ChannelStatus, "pending", set()),
    "deposit": (lifecycle.DEPOSIT, DepositStatus, "received", {"clawed_back"}),
    "withdrawal": (lifecycle.WITHDRAWAL, WithdrawalStatus, "requested", {"paid", "returned"}),
    "correction": (lifecycle.CORRECTION, CorrectionStatus, "proposed", {"done", "dropped"}),
    "outbox": (lifecycle.OUTBOX, OutboxStatus, "queued", {"sent", "failed"}),
}
EXPECTED = {
    "campaign": "draft>active active>paused paused>active draft>cancelled active>cancelled"
    " paused>cancelled active>completed paused>completed",
    "target": "pending>approved pending>rejected pending>withdrawn pending>expired approved>posted"
    " approved>refunded pending>posted pending>refunded",
    "escrow": "held>released held>refunded",
    "post_job": "queued>sending sending>success sending>failed sending>queued sending>uncertain"
    " uncertain>success uncertain>queued uncertain>failed uncertain>cancelled queued>cancelled"
    " queued>failed success>failed",
    "channel": "pending>active active>paused paused>active active>suspended paused>suspended"
    " suspended>active suspended>paused pending>removed active>removed paused>removed"
    " suspended>removed removed>pending",
    "deposit": "received>credited received>clawed_back credited>clawed_back",
    "withdrawal": "requested>approved approved>paid requested>paid requested>returned"
    " approved>returned",
    "correction": "proposed>confirmed proposed>done proposed>dropped confirmed>done"
    " confirmed>dropped",
    "outbox": "queued>sent queued>failed",
}
every_thing = pytest.mark.parametrize("thing", TABLES)


@every_thing
def test_every_state_is_reachable(thing: str) -> None:
    moves, states, first, _ = TABLES[thing]
    reached = {first}
    while True:
        more = {b for a, b in moves if a in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(states)


@every_thing
def test_only_final_states_have_no_way_out(thing: str) -> None:
    moves, states, _, final = TABLES[thing]
    assert {state for state in states if not any(a == state for a, _ in moves)} == final


@every_thing
def test_the_moves_are_those_of_the_product(thing: str) -> None:
    moves, *_ = TABLES[thing]
    assert {f"{a}>{b}" for a, b in moves} == set(EXPECTED[thing].split())
    assert all(moves.values()), "a move that nobody may make"


@every_thing
def test_what_is_not_in_the_table_is_refused(thing: str) -> None:
    moves, states, *_ = TABLES[thing]
    for status, wanted, who in product(states, states, Who):
        if who in moves.get((status, wanted), frozenset()):
            lifecycle.require(moves, thing, 7, status=status, wanted=wanted, who=who)
            assert status in lifecycle.sources(moves, wanted, who)
            continue
        with pytest.raises(errors.InvalidMove) as refusal:
            lifecycle.require(moves, thing, 7, status=status, wanted=wanted, who=who)
        assert (refusal.value.thing, refusal.value.id) == (thing, 7)
        assert (refusal.value.status, refusal.value.wanted) == (status, wanted)
        assert status not in lifecycle.sources(moves, wanted, who)


def test_who_moves_what() -> None:
    staff = {Who.ADMIN, Who.SUPER_ADMIN}
    assert lifecycle.CAMPAIGN[CampaignStatus.DRAFT, CampaignStatus.ACTIVE] == {
        Who.ADVERTISER,
        *staff,
    }
    for decided in (TargetStatus.APPROVED, TargetStatus.REJECTED):
        assert lifecycle.TARGET[TargetStatus.PENDING, decided] == staff
    assert all(people == {Who.SYSTEM} for people in lifecycle.ESCROW.values())
