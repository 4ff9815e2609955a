"""Test the decisions about complaints: when they take effect, and what each side gets."""

from datetime import timedelta

import pytest

from db.models.operations import Switch
from db.models.users import Role
from services.market import campaigns, complaints
from services.platform import errors
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    SplitTooSmall,
)
from tests.conftest import Database
from tests.factories import people
from tests.factories.complaints import (
    APPEAL,
    OUTCOME,
    START,
    complain,
    complained,
    published,
)

WAIT = 0.3
"""How long one transaction is seen to wait for another one, in seconds."""
NOTICES = "SELECT payload->>'to', payload->>'step' FROM outbox WHERE kind = 'complaint' ORDER BY id"


@pytest.mark.parametrize(
    ("percent", "advertiser", "owner", "outcome"),
    [
        (100, 0, 4_500, "released"),
        (0, 5_000, 0, "refunded"),
        (25, 3_750, 1_125, "split"),
        (50, 2_500, 2_250, "split"),
        (99, 50, 4_455, "split"),
    ],
)
async def test_a_decision_takes_effect_after_the_time_for_an_appeal(
    database: Database, percent: int, advertiser: int, owner: int, outcome: str
) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(percent)
    assert await found.pass_time(APPEAL - timedelta(minutes=1)) == 0
    await found.settle()
    assert await found.balances() == (START - 5_000, 0)
    assert await found.pass_time(timedelta(minutes=2)) == 1
    assert await found.one(OUTCOME) == outcome
    await found.settle()
    assert await found.balances() == (START - 5_000 + advertiser, owner)
    assert (
        await found.one(
            "SELECT count(*) FROM ledger_transfers WHERE reason IN ('payout', 'refund')"
        )
        == 1
    )


@pytest.mark.parametrize(
    ("price", "percent", "fee_bps"), [(101, 33, 999), (2, 50, 9_999), (3, 99, 0)]
)
async def test_the_parts_of_a_split_always_sum_to_the_escrow(
    database: Database, price: int, percent: int, fee_bps: int
) -> None:
    found = await complained(database, price=price, fee_bps=fee_bps)
    await found.dispute()
    await found.decide(percent)
    await found.pass_time(APPEAL)
    await found.settle()
    kept = price * percent // 100
    fee = kept * fee_bps // 10_000
    assert await found.balances() == (START - kept, kept - fee)
    assert await found.one("SELECT returned FROM escrows") == price - kept
    assert await found.one("SELECT sum(balance)::int FROM wallets WHERE kind = 'revenue'") == (
        fee or None
    )


async def test_a_split_with_a_part_of_nothing_is_refused(database: Database) -> None:
    found = await complained(database, price=1)
    await found.dispute()
    for percent in (1, 99):
        with pytest.raises(SplitTooSmall):
            await found.decide(percent)
    await found.decide(100)


async def test_both_sides_can_give_up_the_appeal(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.accept(found.made.owner)
    assert await found.pass_time(timedelta()) == 0
    for late in (found.accept, found.appeal):
        with pytest.raises(ComplaintMovedOn):
            await late(found.made.owner)
    await found.accept(found.made.advertiser)
    assert await found.pass_time(timedelta()) == 1
    await found.settle()
    assert await found.balances() == (START - 2_500, 2_250)


async def test_one_side_alone_ends_no_time_for_an_appeal(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.accept(found.made.advertiser)
    for late in (found.accept, found.appeal):
        with pytest.raises(ComplaintMovedOn):
            await late(found.made.advertiser)
    assert await found.pass_time(APPEAL - timedelta(minutes=1)) == 0
    await found.appeal(found.made.owner)


async def test_nothing_follows_the_second_decision_whatever_its_time(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.appeal(found.made.owner)
    await found.decide_appeal(40)
    await database.as_owner("UPDATE complaints SET due_at = clock() + interval '1 hour'")
    for side in (found.made.owner, found.made.advertiser):
        for late in (found.accept, found.appeal):
            with pytest.raises(ComplaintMovedOn):
                await late(side)


async def test_a_split_counts_beside_a_complaint_that_was_settled(database: Database) -> None:
    first = await complained(database)
    async with database.sessions.begin() as session:
        await complaints.say_satisfied(session, actor=first.made.advertiser, complaint_id=first.id)
    second = await complain(database, first.made)
    await second.dispute()
    await second.decide(40)
    await second.pass_time(APPEAL)
    await second.settle()
    assert await second.balances() == (START - 2_000, 1_800)


async def test_a_complaint_that_is_closed_has_no_step_that_ends(database: Database) -> None:
    found = await complained(database)
    async with database.sessions.begin() as session:
        await complaints.say_satisfied(session, actor=found.made.advertiser, complaint_id=found.id)
    await database.forward(APPEAL)
    async with database.sessions.begin() as session:
        assert not await complaints.end_step(session, complaint_id=found.id)
    assert await found.one(OUTCOME) == "satisfied"


async def test_an_appeal_is_decided_by_another_super_admin_and_is_the_last_one(
    database: Database,
) -> None:
    found = await complained(database)
    await found.dispute()
    async with database.sessions.begin() as session:
        head = await people.staff(session, Role.SUPER_ADMIN)
        admin = await people.staff(session)
    await found.decide(100, head)
    await found.appeal(found.made.advertiser)
    with pytest.raises(ComplaintMovedOn):
        await found.appeal(found.made.owner)
    with pytest.raises(errors.SamePerson):
        await found.decide(0, head)
    with pytest.raises(errors.AccessDenied):
        await found.decide(0, admin)
    await found.decide_appeal(0)
    for side in (found.made.owner, found.made.advertiser):
        with pytest.raises(ComplaintMovedOn):
            await found.appeal(side)
    assert await found.pass_time(timedelta()) == 1
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_only_the_two_sides_accept_or_appeal(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(100)
    for act in (found.accept, found.appeal):
        with pytest.raises(errors.NotFound):
            await act(found.made.moderator)


async def test_an_appeal_comes_within_its_time(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(100)
    await database.forward(APPEAL)
    with pytest.raises(ComplaintMovedOn):
        await found.appeal(found.made.advertiser)


async def test_a_split_waits_for_both_switches_and_holds_up_no_other_release(
    database: Database,
) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.pass_time(APPEAL)
    other = await published(database)
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
    with pytest.raises(errors.SwitchStopped):
        await found.release()
    await found.settle()
    assert await found.one("SELECT status FROM escrows ORDER BY id LIMIT 1") == "held"
    assert await found.one(f"SELECT status FROM campaign_targets WHERE id = {other.target.id}") == (
        "posted"
    )
    async with database.sessions.begin() as session:
        await people.set_switch(session, Switch.REFUNDS, enabled=True)
    await found.settle()
    assert await found.balances() == (START - 2_500, 2_250)


@pytest.mark.parametrize(("percent", "back"), [(100, 0), (40, 3_000), (0, 5_000)])
async def test_the_budget_gets_back_what_a_decision_gives_back(
    database: Database, percent: int, back: int
) -> None:
    found = await complained(database)
    campaign_id = found.made.campaign.id
    async with database.sessions.begin() as session:
        before = await campaigns.budget_left(session, campaign_id)
    await found.dispute()
    await found.decide(percent)
    await found.pass_time(APPEAL)
    await found.settle()
    async with database.sessions.begin() as session:
        assert await campaigns.budget_left(session, campaign_id) == before + back
