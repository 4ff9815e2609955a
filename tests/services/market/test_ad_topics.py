"""Test the topic of a campaign's ad."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import acceptance_rules, ad_topics, campaigns
from services.market.acceptance_rules import Rule
from services.platform import errors
from services.platform.agreement_errors import TopicInUse
from tests.factories import people, rows
from tests.factories.people import Deal

TOPIC = "SELECT topic FROM campaigns"
AUDITED = "SELECT count(*) FROM user_audit_logs WHERE action = 'ad_topic_set'"


async def _choose(session: AsyncSession, made: Deal, topic: str) -> None:
    await ad_topics.choose(
        session, actor=made.advertiser, campaign_id=made.campaign.id, topic=topic
    )


async def test_a_first_topic_is_chosen_at_any_time_and_another_one_is_not(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    for _ in range(2):
        await _choose(session, made, "food")
    assert await rows.one(session, AUDITED) == 1
    with pytest.raises(TopicInUse):
        await _choose(session, made, "health")
    assert await rows.one(session, TOPIC) == "food"
    await campaigns.withdraw_target(session, actor=made.advertiser, target_id=made.target.id)
    await _choose(session, made, "health")
    assert await rows.one(session, TOPIC) == "health"


async def test_a_topic_of_the_list_is_chosen_by_the_advertiser_of_a_living_campaign(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    for topic in ("other", "weather", ""):
        with pytest.raises(errors.InvalidTerms):
            await _choose(session, made, topic)
    with pytest.raises(errors.NotFound):
        await ad_topics.choose(
            session, actor=made.owner, campaign_id=made.campaign.id, topic="food"
        )
    await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    with pytest.raises(errors.InvalidMove):
        await _choose(session, made, "food")
    assert await rows.one(session, TOPIC) is None


async def test_a_topic_is_wanted_only_where_a_rule_excludes_some(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)

    async def is_wanted() -> bool:
        await session.refresh(made.campaign)
        return await ad_topics.is_wanted(
            session, campaign=made.campaign, channel_id=made.channel.id
        )

    assert not await is_wanted()
    facts: dict[str, Any] = {"actor": made.owner, "channel_id": made.channel.id}
    await acceptance_rules.set(session, rule=Rule(0, None), **facts)
    assert not await is_wanted()
    await acceptance_rules.exclude_topic(session, topic="crypto", excluded=True, **facts)
    assert await is_wanted()
    await _choose(session, made, "food")
    assert not await is_wanted()
