"""Test that a placement is bought in a format that its channel sells, and keeps this format."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.formats import Ending
from services.market import acceptance_rules, campaigns, channels, format_changes, formats
from services.market.acceptance_rules import Rule
from services.market.terms import Terms
from services.platform import errors
from tests.factories import people, rows
from tests.factories.people import Deal

PLAIN = Terms(people.PRICE, 24)
ON_TOP = Terms(9_000, 48, 2)
ENDLESS = Terms(20_000, formats.ENDLESS_HOURS, 0, Ending.ENDLESS)


async def _sell(session: AsyncSession, deal: Deal, *offered: Terms) -> None:
    for terms in offered:
        await format_changes.put(session, actor=deal.owner, channel_id=deal.channel.id, terms=terms)


async def _buy(session: AsyncSession, deal: Deal, agreed: Terms | None) -> CampaignTarget:
    async with people.funded(session, deal.advertiser, 40_000):
        return await campaigns.submit_target(
            session,
            actor=deal.advertiser,
            campaign_id=deal.campaign.id,
            channel_id=deal.channel.id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
            agreed=agreed,
        )


def _bought(target: CampaignTarget) -> Terms:
    return Terms(target.price, target.promised_hours, target.hours_on_top, target.ending)


async def test_the_format_with_the_fewest_hours_comes_first(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=90_000)
    short = Terms(1_000, 12)
    await _sell(session, deal, ENDLESS, ON_TOP, short)
    offered = await formats.of_channel(session, deal.channel.id)
    assert [formats.terms_of(row) for row in offered] == [short, PLAIN, ON_TOP, ENDLESS]
    assert _bought(await _buy(session, deal, None)) == short


async def test_a_placement_keeps_the_format_that_was_bought(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=90_000)
    await _sell(session, deal, ON_TOP, ENDLESS)
    targets = [await _buy(session, deal, terms) for terms in (PLAIN, ON_TOP, ENDLESS)]
    await _sell(session, deal, ON_TOP._replace(price=1))
    await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
    for target in targets:
        await session.refresh(target)
    assert [_bought(target) for target in targets] == [PLAIN, ON_TOP, ENDLESS]


@pytest.mark.parametrize(
    "agreed",
    [
        ON_TOP._replace(price=8_999),
        ON_TOP._replace(hours_on_top=0),
        ON_TOP._replace(promised_hours=47),
        ON_TOP._replace(ending=Ending.ENDLESS),
        Terms(people.PRICE, 48, 2),
    ],
)
async def test_terms_that_no_format_has_are_refused(session: AsyncSession, agreed: Terms) -> None:
    deal = await people.deal(session, balance=90_000)
    await _sell(session, deal, ON_TOP)
    before = await rows.snapshot(session)
    with pytest.raises(errors.TermsChanged) as refusal:
        await formats.require(session, deal.channel, agreed)
    now = ON_TOP if agreed.kind == ON_TOP.kind else PLAIN
    assert (refusal.value.price, refusal.value.promised_hours) == (now.price, now.promised_hours)
    assert await rows.snapshot(session) == before


async def test_a_retired_format_is_not_sold(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=90_000)
    await _sell(session, deal, ON_TOP)
    [first, _] = await formats.of_channel(session, deal.channel.id)
    await format_changes.retire(
        session, actor=deal.owner, channel_id=deal.channel.id, format_id=first.id
    )
    with pytest.raises(errors.TermsChanged):
        await _buy(session, deal, PLAIN)
    assert _bought(await _buy(session, deal, ON_TOP)) == ON_TOP


async def test_a_rule_compares_the_price_of_the_bought_format(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=90_000, asks=True)
    await _sell(session, deal, ON_TOP)
    await acceptance_rules.set(
        session, actor=deal.owner, channel_id=deal.channel.id, rule=Rule(0, people.PRICE)
    )
    assert (await _buy(session, deal, PLAIN)).agreed_at is not None
    assert (await _buy(session, deal, ON_TOP)).agreed_at is None


async def test_a_channel_that_changes_hands_sells_nothing(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await _sell(session, deal, ON_TOP)
    await people.take_over(session, deal.channel)
    assert await formats.of_channel(session, deal.channel.id) == []
    await session.refresh(deal.channel)
    with pytest.raises(errors.ChannelNotUsable):
        await formats.require(session, deal.channel, None)
