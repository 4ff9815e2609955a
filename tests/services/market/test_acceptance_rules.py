"""Test the rules by which channels accept placements without a question to their owners."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import acceptance_rules, ad_topics, campaigns, channels, moderation
from services.market.acceptance_rules import Rule
from services.money import escrow
from services.platform import errors
from services.platform.agreement_errors import NoRule
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.people import Deal


async def _set(session: AsyncSession, made: Deal, rule: Rule | None) -> None:
    await acceptance_rules.set(session, actor=made.owner, channel_id=made.channel.id, rule=rule)


async def _is_agreed(session: AsyncSession, made: Deal) -> bool:
    target = await people.another(session, made, decide=False)
    row = await moderation.get_details(session, target_id=target.id)
    return row.agreed_at is not None


async def test_a_channel_without_a_rule_asks_and_a_rule_can_be_removed(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, asks=True)
    assert await acceptance_rules.get(session, made.channel.id) is None
    assert not await _is_agreed(session, made)
    for rule in (Rule(0, None), Rule(3, 500)):
        await _set(session, made, rule)
        assert await acceptance_rules.get(session, made.channel.id) == rule
    await _set(session, made, Rule(0, None))
    assert await _is_agreed(session, made)
    await _set(session, made, None)
    assert await acceptance_rules.get(session, made.channel.id) is None
    assert not await _is_agreed(session, made)


async def test_an_ad_that_the_rule_accepts_goes_to_the_admins_at_once(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    assert await rows.table(
        session,
        "SELECT kind, user_id FROM outbox WHERE kind IN ('ad_offered', 'target_submitted')",
    ) == [("target_submitted", None)]
    assert await rows.table(session, "SELECT answer, answered_by FROM placement_answers") == [
        ("accepted", None)
    ]
    assert (await people.approve(session, made)).created


@pytest.mark.parametrize(("most", "accepts"), [(people.PRICE - 1, False), (people.PRICE, True)])
async def test_a_rule_ends_at_its_price(session: AsyncSession, most: int, accepts: bool) -> None:  # noqa: FBT001 - a case of the table
    made = await people.deal(session, asks=True)
    await _set(session, made, Rule(0, most))
    assert await _is_agreed(session, made) is accepts


async def test_a_rule_for_known_advertisers_counts_what_they_have_kept(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
        await _set(session, made, Rule(1, None))
        assert not await _is_agreed(session, made)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
        assert await _is_agreed(session, made)
        await _set(session, made, Rule(2, None))
        assert not await _is_agreed(session, made)


async def test_the_rule_of_a_former_owner_does_not_count(session: AsyncSession) -> None:
    made = await people.deal(session)
    heir = await people.take_over(session, made.channel)
    await channels.set_terms(
        session,
        actor=heir,
        channel_id=made.channel.id,
        price=people.PRICE,
        promised_hours=0,
        topic="news",
    )
    assert await acceptance_rules.get(session, made.channel.id) is None
    assert not await _is_agreed(session, made)
    with pytest.raises(errors.NotFound):
        await _set(session, made, Rule(0, None))
    await acceptance_rules.set(session, actor=heir, channel_id=made.channel.id, rule=Rule(0, None))
    assert await _is_agreed(session, made)


async def test_only_the_owner_sets_a_rule(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    for actor in (made.advertiser, made.moderator):
        with pytest.raises(errors.NotFound):
            await acceptance_rules.set(
                session, actor=actor, channel_id=made.channel.id, rule=Rule(0, None)
            )
    assert await acceptance_rules.get(session, made.channel.id) is None
    await channels.remove(session, actor=made.owner, channel_id=made.channel.id)
    with pytest.raises(errors.NotFound):
        await _set(session, made, Rule(0, None))


async def test_a_rule_leaves_waiting_questions_open(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await _set(session, made, Rule(0, None))
    row = await moderation.get_details(session, target_id=made.target.id)
    assert row.waits_for_owner
    await campaigns.withdraw_target(session, actor=made.advertiser, target_id=made.target.id)


async def _exclude(session: AsyncSession, made: Deal, topic: str, *, excluded: bool = True) -> None:
    await acceptance_rules.exclude_topic(
        session, actor=made.owner, channel_id=made.channel.id, topic=topic, excluded=excluded
    )


async def _choose(session: AsyncSession, made: Deal, topic: str) -> None:
    await ad_topics.choose(
        session, actor=made.advertiser, campaign_id=made.campaign.id, topic=topic
    )


async def test_a_rule_asks_about_excluded_topics_and_about_ads_without_a_topic(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, asks=True, balance=50_000)
    await _set(session, made, Rule(0, None))
    await _exclude(session, made, "crypto")
    assert not await _is_agreed(session, made)
    await _choose(session, made, "food")
    assert await _is_agreed(session, made)
    await _exclude(session, made, "food")
    assert not await _is_agreed(session, made)
    await _exclude(session, made, "food", excluded=False)
    assert await _is_agreed(session, made)
    rule = await acceptance_rules.get(session, made.channel.id)
    assert rule == Rule(0, None, ("crypto",))
    used = "SELECT count(*) FROM user_audit_logs WHERE metadata ->> 'topic' = 'food' AND action = "
    assert await rows.one(session, f"{used} 'placement_accepted'") == 2


async def test_the_topics_stay_when_the_rule_changes_and_end_with_it(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    await _set(session, made, Rule(0, None))
    for topic in ("crypto", "news"):
        await _exclude(session, made, topic)
        await _exclude(session, made, topic)
    await _set(session, made, Rule(1, 500))
    rule = await acceptance_rules.get(session, made.channel.id)
    assert rule == Rule(1, 500, ("news", "crypto"))
    await _set(session, made, None)
    with pytest.raises(NoRule):
        await _exclude(session, made, "news")
    await _set(session, made, Rule(0, None))
    assert await acceptance_rules.get(session, made.channel.id) == Rule(0, None)


async def test_only_the_owner_excludes_a_topic_of_the_list(session: AsyncSession) -> None:
    made = await people.deal(session)
    for topic in ("other", "weather", "Crypto"):
        with pytest.raises(errors.InvalidTerms):
            await _exclude(session, made, topic)
    with pytest.raises(errors.NotFound):
        await acceptance_rules.exclude_topic(
            session, actor=made.advertiser, channel_id=made.channel.id, topic="news", excluded=True
        )


async def test_a_new_owner_begins_without_the_topics_of_the_former_one(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    await _exclude(session, made, "crypto")
    heir = await people.take_over(session, made.channel)
    await acceptance_rules.set(session, actor=heir, channel_id=made.channel.id, rule=Rule(0, None))
    assert await acceptance_rules.get(session, made.channel.id) == Rule(0, None)
