"""Test the tables of the allowed changes of a status."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from db.models.campaigns import CampaignStatus, ChannelStatus, TargetStatus
from db.models.corrections import CorrectionStatus
from db.models.deposit_returns import ReturnStatus
from db.models.money import DepositStatus, EscrowStatus, WithdrawalStatus
from db.models.operations import OutboxStatus
from db.models.posting import PostJobStatus
from services.platform import errors, transitions
from services.platform.transitions import ActorRole

TABLES: dict[str, tuple[Mapping[Any, frozenset[ActorRole]], type[StrEnum], str, set[str]]] = {
    "campaign": (transitions.CAMPAIGN, CampaignStatus, "draft", {"cancelled", "completed"}),
    "target": (
        transitions.TARGET,
        TargetStatus,
        "pending",
        {"posted", "refunded", "rejected", "withdrawn", "expired"},
    ),
    "escrow": (transitions.ESCROW, EscrowStatus, "held", {"released", "refunded"}),
    "post_job": (transitions.POST_JOB, PostJobStatus, "queued", {"failed", "cancelled"}),
    "channel": (transitions.CHANNEL, ChannelStatus, "pending", set()),
    "deposit": (transitions.DEPOSIT, DepositStatus, "received", {"clawed_back", "returned"}),
    "deposit_return": (
        transitions.DEPOSIT_RETURN,
        ReturnStatus,
        "requested",
        {"done", "refused"},
    ),
    "withdrawal": (transitions.WITHDRAWAL, WithdrawalStatus, "requested", {"paid", "returned"}),
    "correction": (transitions.CORRECTION, CorrectionStatus, "proposed", {"done", "dropped"}),
    "outbox": (transitions.OUTBOX, OutboxStatus, "queued", {"sent", "failed"}),
}
EXPECTED = {
    "campaign": "draft>active active>paused paused>active draft>cancelled active>cancelled"
    " paused>cancelled active>completed paused>completed",
    "target": "pending>approved pending>rejected pending>withdrawn pending>expired approved>posted"
    " approved>refunded pending>posted pending>refunded",
    "escrow": "held>released held>refunded",
    "post_job": "queued>sending sending>success sending>failed sending>queued sending>uncertain"
    " uncertain>success uncertain>queued uncertain>failed uncertain>cancelled queued>cancelled"
    " queued>failed queued>uncertain success>failed success>queued",
    "channel": "pending>active active>paused paused>active active>suspended paused>suspended"
    " suspended>active suspended>paused pending>removed active>removed paused>removed"
    " suspended>removed removed>pending",
    "deposit": "received>credited received>clawed_back credited>clawed_back credited>returned",
    "deposit_return": "requested>sending requested>done requested>refused sending>done"
    " sending>refused sending>requested sending>uncertain uncertain>done uncertain>requested",
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
def test_only_final_states_have_no_further_move(thing: str) -> None:
    moves, states, _, final = TABLES[thing]
    assert {state for state in states if not any(a == state for a, _ in moves)} == final


@every_thing
def test_the_number_of_moves_is_known(thing: str) -> None:
    moves, *_ = TABLES[thing]
    assert {f"{a}>{b}" for a, b in moves} == set(EXPECTED[thing].split())
    assert all(moves.values()), "a move that nobody may make"


@every_thing
def test_a_move_outside_the_table_is_refused(thing: str) -> None:
    moves, states, *_ = TABLES[thing]
    for status, wanted, who in product(states, states, ActorRole):
        if who in moves.get((status, wanted), frozenset()):
            transitions.require(moves, thing, 7, status=status, wanted=wanted, role=who)
            assert status in transitions.allowed_from(moves, wanted, who)
            continue
        with pytest.raises(errors.InvalidMove) as refusal:
            transitions.require(moves, thing, 7, status=status, wanted=wanted, role=who)
        assert (refusal.value.thing, refusal.value.id) == (thing, 7)
        assert (refusal.value.status, refusal.value.wanted) == (status, wanted)
        assert status not in transitions.allowed_from(moves, wanted, who)


def test_each_move_has_its_roles() -> None:
    staff = {ActorRole.ADMIN, ActorRole.SUPER_ADMIN}
    assert transitions.CAMPAIGN[CampaignStatus.DRAFT, CampaignStatus.ACTIVE] == {
        ActorRole.ADVERTISER,
        *staff,
    }
    assert transitions.TARGET[TargetStatus.PENDING, TargetStatus.APPROVED] == staff
    assert transitions.TARGET[TargetStatus.PENDING, TargetStatus.REJECTED] == {
        ActorRole.OWNER,
        *staff,
    }
    assert transitions.ESCROW[EscrowStatus.HELD, EscrowStatus.RELEASED] == {ActorRole.SYSTEM}
    assert transitions.ESCROW[EscrowStatus.HELD, EscrowStatus.REFUNDED] == {
        ActorRole.ADVERTISER,
        ActorRole.SYSTEM,
    }
