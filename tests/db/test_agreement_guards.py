"""Test that a stolen login of the bot cannot answer for an owner, or do without the answer."""

import asyncpg
import pytest

from bot.owner_callbacks import OfferAct, OnOffer, SetRule
from bot.topic_callbacks import SetAdTopic, SetRuleTopic
from db.models.agreements import Answer
from services.market import acceptance_rules, agreements
from services.market.acceptance_rules import Rule
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.people import Deal

ANSWER = "SELECT code FROM answer_placement({}, {}, '{}', '{}', NULL)"
RULE_TOPIC = "SELECT set_rule_topic({}, {}, '{}', {}, NULL)"
AD_TOPIC = "SELECT code FROM set_ad_topic({}, {}, '{}', NULL)"
RULE = "SELECT set_acceptance_rule({}, {}, {}, {}, NULL)"


@pytest.fixture
async def asked(database: Database) -> Deal:
    async with database.sessions.begin() as session:
        return await people.deal(session, asks=True)


async def _press(database: Database, who: Actor, data: str) -> int:
    async with database.sessions.begin() as session:
        return (await presses.press(session, who, data)).inbox_id or 0


async def test_nobody_approves_or_publishes_without_an_answer(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    target_id = asked.target.id
    approve = (
        "UPDATE campaign_targets SET status = 'approved',"
        f" decided_by = {asked.moderator.user_id} WHERE id = {target_id}"
    )
    publish = (
        "INSERT INTO post_jobs (campaign_target_id, channel_id, due_at)"
        f" VALUES ({target_id}, {asked.channel.id}, clock())"
    )
    decline = (
        "UPDATE campaign_targets SET status = 'rejected',"
        f" decided_by = {asked.owner.user_id} WHERE id = {target_id}"
    )
    for statement in (approve, publish, decline):
        assert await refused_state(bot, statement) == "AD100", statement
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.as_owner(statement)
        assert refused.value.sqlstate == "AD100", statement
    async with database.sessions.begin() as session:
        await agreements.accept(session, actor=asked.owner, target_id=target_id)
    assert await refused_state(bot, decline) == "AD100"


async def test_an_answer_needs_the_owners_own_press_of_this_button(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    owner_id, target_id = asked.owner.user_id, asked.target.id
    accept = ANSWER.format(target_id, owner_id, Answer.ACCEPTED, "")
    decline = ANSWER.format(target_id, owner_id, Answer.DECLINED, "topic")
    accept_data = OnOffer(act=OfferAct.ACCEPT, id=target_id).pack()
    await _press(database, asked.advertiser, accept_data)
    await _press(database, asked.owner, OnOffer(act=OfferAct.CARD, id=target_id).pack())
    await _press(database, asked.owner, OnOffer(act=OfferAct.ACCEPT, id=target_id + 1).pack())
    for statement in (accept, decline):
        assert await refused_state(bot, statement) == "AD101"
    handled = await _press(database, asked.owner, accept_data)
    await database.as_owner(f"UPDATE inbox SET done_at = clock() WHERE id = {handled}")
    assert await refused_state(bot, accept) == "AD101"
    await _press(database, asked.owner, accept_data)
    assert await refused_state(bot, decline) == "AD101"
    assert await bot.fetchval(accept) is None
    assert await bot.fetchval(accept) == "repeated"
    assert await bot.fetchval(decline) == "answered"


async def test_a_decline_needs_its_own_reason(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    decline = OnOffer(act=OfferAct.DECLINE, id=asked.target.id, reason="price").pack()
    await _press(database, asked.owner, decline)
    other = ANSWER.format(asked.target.id, asked.owner.user_id, Answer.DECLINED, "topic")
    assert await refused_state(bot, other) == "AD101"
    assert await bot.fetchval(other.replace("topic", "price")) is None


async def test_the_rule_answers_only_for_what_it_accepts(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    for answer in Answer:
        by_rule = ANSWER.format(asked.target.id, "NULL", answer, "")
        assert await bot.fetchval(by_rule) == "no_rule"
    async with database.sessions.begin() as session:
        await acceptance_rules.set(
            session, actor=asked.owner, channel_id=asked.channel.id, rule=Rule(0, None)
        )
    declined = ANSWER.format(asked.target.id, "NULL", Answer.DECLINED, "topic")
    assert await bot.fetchval(declined) == "no_rule"


async def test_a_rule_needs_the_owners_own_press_of_exactly_this_rule(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    channel_id, owner_id = asked.channel.id, asked.owner.user_id
    everything = RULE.format(channel_id, owner_id, 0, "NULL")
    chosen = SetRule(id=channel_id, least_kept=3, most_price=500).pack()
    await _press(database, asked.advertiser, SetRule(id=channel_id, least_kept=0).pack())
    await _press(database, asked.owner, chosen)
    assert await refused_state(bot, everything) == "AD103"
    assert await refused_state(bot, RULE.format(channel_id, owner_id, 3, 5001)) == "AD103"
    assert await bot.fetchval(RULE.format(channel_id, owner_id, 3, 500)) is None
    assert await bot.fetchval(everything.replace(str(owner_id), "0")) == "not_found"
    ask = RULE.format(channel_id, owner_id, "NULL", "NULL")
    assert await refused_state(bot, ask) == "AD103"
    await _press(database, asked.owner, SetRule(id=channel_id).pack())
    assert await bot.fetchval(ask) is None
    assert await bot.fetchval("SELECT count(*) FROM acceptance_rules") == 0


async def test_a_topic_of_a_rule_needs_the_owners_press_of_this_topic_and_choice(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    channel_id, owner_id = asked.channel.id, asked.owner.user_id
    exclude = RULE_TOPIC.format(channel_id, owner_id, "crypto", "true")
    assert await bot.fetchval(exclude) == "no_rule"
    async with database.sessions.begin() as session:
        await acceptance_rules.set(
            session, actor=asked.owner, channel_id=channel_id, rule=Rule(0, None)
        )
    data = SetRuleTopic(id=channel_id, topic="crypto", excluded=True).pack()
    await _press(database, asked.advertiser, data)
    await _press(database, asked.owner, data.replace("crypto", "news"))
    assert await refused_state(bot, exclude) == "AD196"
    await _press(database, asked.owner, data)
    assert await bot.fetchval(exclude) is None
    assert await bot.fetchval(exclude) == "unchanged"
    include = RULE_TOPIC.format(channel_id, owner_id, "crypto", "false")
    assert await refused_state(bot, include) == "AD196"
    assert await bot.fetchval(include.replace(str(owner_id), "0")) == "not_found"
    assert await bot.fetchval(exclude.replace("crypto", "other")) == "unknown"


async def test_a_topic_of_an_ad_needs_the_advertisers_press(
    database: Database, bot: asyncpg.Connection, asked: Deal
) -> None:
    choose = AD_TOPIC.format(asked.campaign.id, asked.advertiser.user_id, "food")
    data = SetAdTopic(id=asked.campaign.id, topic="food").pack()
    await _press(database, asked.owner, data)
    await _press(database, asked.advertiser, data.replace("food", "health"))
    assert await refused_state(bot, choose) == "AD197"
    await _press(database, asked.advertiser, data)
    assert await bot.fetchval(choose) is None
    assert await bot.fetchval(choose) == "unchanged"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE acceptance_rules SET excluded_topics = '{}'",
        "UPDATE campaigns SET topic = 'food'",
        "INSERT INTO placement_answers (campaign_target_id, answer) VALUES (1, 'accepted')",
        "UPDATE campaign_targets SET agreed_at = clock()",
        "UPDATE campaign_targets SET answer_due_at = NULL",
        "INSERT INTO acceptance_rules (channel_id, owner_id, least_kept) VALUES (1, 1, 0)",
        "DELETE FROM acceptance_rules",
    ],
)
async def test_the_bots_login_has_no_right_to_write_answers_and_rules(
    bot: asyncpg.Connection, asked: Deal, statement: str
) -> None:
    assert asked.target.agreed_at is None
    assert await refused_state(bot, statement) == "42501"


@pytest.mark.parametrize(
    ("due", "agreed"), [("NULL", "NULL"), ("clock()", "clock()"), ("NULL", "clock()")]
)
async def test_a_placement_is_submitted_with_a_question(
    database: Database, bot: asyncpg.Connection, asked: Deal, due: str, agreed: str
) -> None:
    await _press(database, asked.advertiser, "form\x1dsubmit")
    submit = (
        "INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price, promised_hours,"
        " fee_bps, answer_due_at, agreed_at) SELECT campaign_id, channel_id, owner_id, price,"
        " promised_hours, fee_bps, {}, {} FROM campaign_targets"
    )
    assert await refused_state(bot, submit.format("clock()", "NULL")) is None
    assert await refused_state(bot, submit.format(due, agreed)) == "AD102"


async def test_an_answer_and_its_time_never_change(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.deal(session)
    for statement, state in (
        ("UPDATE placement_answers SET answer = 'declined'", "AD006"),
        ("DELETE FROM placement_answers", "AD006"),
        ("UPDATE campaign_targets SET answer_due_at = NULL", "AD031"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.as_owner(statement)
        assert refused.value.sqlstate == state
