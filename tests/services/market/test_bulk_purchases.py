"""Test the plan of placements in several channels: the terms, the times and the money of each."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, Channel
from services.market import bulk_purchases, calendars, campaigns, channels, format_changes
from services.market.bulk_purchases import Plan, TimeRule
from services.market.terms import Kind, Terms
from services.platform import errors
from services.platform.actors import Actor
from services.platform.calendar_errors import NoFreeTime, TimeNotFree
from services.platform.channel_errors import FormatNotSold, OwnChannel
from tests.factories import people

ZONE = ZoneInfo("Asia/Tokyo")


async def _buyer(
    session: AsyncSession, *, balance: int = 90_000, budget: int = 90_000
) -> tuple[Actor, Campaign]:
    buyer = await people.person(session, balance=balance)
    return buyer, await people.campaign(session, buyer, budget=budget)


async def _offer(session: AsyncSession, *prices: int) -> Sequence[Channel]:
    return [
        await people.channel(session, await people.person(session), price=price) for price in prices
    ]


async def _plan(
    session: AsyncSession,
    buyer: Actor,
    campaign: Campaign,
    places: Sequence[Channel],
    **values: Any,
) -> Plan:
    asked: dict[str, Any] = {"kind": None, "rule": TimeRule.SOON, "zone": ZONE}
    return await bulk_purchases.plan(
        session,
        actor=buyer,
        campaign_id=campaign.id,
        channel_ids=[place.id for place in places],
        **(asked | values),
    )


def _refusals(plan: Plan) -> list[type[errors.DomainError] | None]:
    return [type(line.refusal) if line.refusal else None for line in plan.lines]


async def _calendar(session: AsyncSession, place: Channel) -> Actor:
    """Give a channel the usual calendar in ZONE. Return its owner."""
    owner = Actor(place.owner_id)
    await calendars.reset(session, actor=owner, channel_id=place.id, time_zone=ZONE.key)
    return owner


async def test_the_cheapest_or_a_chosen_format_is_planned(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session)
    one, both = await _offer(session, 500, 700)
    owner = Actor(both.owner_id)
    await format_changes.put(session, actor=owner, channel_id=both.id, terms=Terms(600, 48, 2))
    plan = await _plan(session, buyer, campaign, [both, one])
    assert [line.terms for line in plan.lines] == [Terms(600, 48, 2), Terms(500, 24)]
    assert (plan.total, plan.missing, plan.budget_left) == (1_100, 0, 90_000)
    plan = await _plan(session, buyer, campaign, [both, one], kind=Kind(48, 2))
    assert _refusals(plan) == [None, FormatNotSold]
    assert plan.total == 600
    found = await bulk_purchases.kinds(session, [one.id, both.id])
    assert dict(found) == {Kind(24): 2, Kind(48, 2): 1}


async def test_what_cannot_be_bought_does_not_stop_the_others(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session)
    own = await people.channel(session, buyer)
    paused, good = await _offer(session, 100, 200)
    await channels.pause(session, actor=Actor(paused.owner_id), channel_id=paused.id)
    plan = await _plan(session, buyer, campaign, [own, paused, good])
    assert _refusals(plan) == [OwnChannel, errors.ChannelNotUsable, None]
    assert [line.channel_id for line in plan.bought] == [good.id]


async def test_budget_and_wallet_are_used_up_in_the_order_of_the_ticks(
    session: AsyncSession,
) -> None:
    buyer, campaign = await _buyer(session, balance=500, budget=900)
    places = await _offer(session, 300, 400, 250, 200)
    plan = await _plan(session, buyer, campaign, places)
    assert _refusals(plan) == [
        None,
        errors.InsufficientFunds,
        errors.BudgetExceeded,
        None,
    ]
    assert (plan.total, plan.available, plan.missing) == (500, 500, 400)


async def test_money_for_placements_that_wait_is_not_available(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session, balance=500)
    first, second = await _offer(session, 300, 300)
    await campaigns.submit_target(
        session,
        actor=buyer,
        campaign_id=campaign.id,
        channel_id=first.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )
    plan = await _plan(session, buyer, campaign, [second])
    assert (plan.available, plan.missing, plan.budget_left) == (200, 100, 89_700)
    assert _refusals(plan) == [errors.InsufficientFunds]


async def test_only_the_advertiser_plans_for_a_campaign(session: AsyncSession) -> None:
    _, campaign = await _buyer(session)
    for stranger in (await people.person(session), await people.staff(session)):
        with pytest.raises(errors.NotCampaignOwner):
            await _plan(session, stranger, campaign, [])


async def test_all_are_published_in_one_evening(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session)
    places = await _offer(session, 100, 100, 100)
    await _calendar(session, places[1])
    owner = await _calendar(session, places[2])
    await calendars.set_hours(
        session, actor=owner, channel_id=places[2].id, opens_at=60, closes_at=120
    )
    plan = await _plan(session, buyer, campaign, places, rule=TimeRule.EVENING)
    assert _refusals(plan) == [None, None, TimeNotFree]
    now = await queries.now(session)
    for line in plan.bought:
        assert line.publish_at is not None
        local = line.publish_at.astimezone(ZONE)
        assert time(18) <= local.time() <= time(22)
        assert now + bulk_purchases.LEAD <= local < now + timedelta(days=1, hours=6)
    assert plan.lines[2].publish_at is None


async def test_one_is_published_each_day(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session)
    places = await _offer(session, 100, 99_999, 100, 100)
    await _calendar(session, places[2])
    plan = await _plan(session, buyer, campaign, places, rule=TimeRule.DAILY)
    assert _refusals(plan) == [None, errors.BudgetExceeded, None, None]
    days = [line.publish_at.astimezone(ZONE).date() for line in plan.bought if line.publish_at]
    assert [day - days[0] for day in days] == [timedelta(days=number) for number in range(3)]
    for line in plan.bought:
        assert line.publish_at is not None
        assert time(10) <= line.publish_at.astimezone(ZONE).time() <= time(21)


async def test_a_channel_without_a_free_time_is_left_out(session: AsyncSession) -> None:
    buyer, campaign = await _buyer(session)
    full, free = await _offer(session, 100, 100)
    owner = await _calendar(session, full)
    today = datetime.now(UTC).date()
    for number in range(12):
        await calendars.set_day_off(
            session,
            actor=owner,
            channel_id=full.id,
            day=today + timedelta(days=number),
            is_off=True,
            today=today,
        )
    for rule, refusal in (
        (TimeRule.SOON, NoFreeTime),
        (TimeRule.EVENING, TimeNotFree),
        (TimeRule.DAILY, TimeNotFree),
    ):
        plan = await _plan(session, buyer, campaign, [full, free], rule=rule)
        assert _refusals(plan) == [refusal, None], rule
