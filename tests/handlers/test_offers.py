"""Test how owners answer to ads with buttons, and choose rules that answer for them."""

from datetime import timedelta

from services.market import placement_expiry
from tests.handlers.marketplace import AD, Marketplace

ACCEPT, DECLINE = "✅ Accept", "❌ Decline"


async def _ask(market: Marketplace) -> None:
    """Let the advertiser buy a placement in a channel whose owner is asked."""
    await market.give("advertiser", 10_000)
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await market.make_campaign()
    await market.buy()
    await market.deliver()


async def test_one_press_accepts_the_ad_that_the_owner_sees(market: Marketplace) -> None:
    await _ask(market)
    shown = [message.get("text", "") for message in await market.messages("owner")]
    assert AD in shown
    card = await market.last("owner")
    for words in ("You get: $45.00", "fee is $5.00", "no placement has stayed", "answer by"):
        assert words in card, words
    assert await market.last("group") == "" or "Placement #" not in await market.last("group")
    await market.press("owner", ACCEPT)
    assert "you have accepted" in await market.last("owner")
    assert ACCEPT not in await market.buttons("owner")
    await market.deliver()
    assert "has accepted placement" in await market.last("advertiser")
    assert "The owner accepted it" in await market.last("group")
    await market.press("admin", "✅ Approve", where="group")
    assert "Approved by" in await market.last("group")


async def test_the_first_of_two_answers_counts(market: Marketplace) -> None:
    await _ask(market)
    target_id = await market.value("SELECT max(id) FROM campaign_targets")
    await market.press("owner", DECLINE)
    assert "Why do you decline" in await market.last("owner")
    await market.press("owner", "⬅️ Back")
    await market.press("owner", DECLINE)
    await market.press("owner", "The price is too low")
    assert "declined by you" in await market.last("owner")
    await market.press_forged("owner", f"offer:accepted:{target_id}:")
    assert await market.value("SELECT answer FROM placement_answers") == "declined"
    await market.deliver()
    told = await market.last("advertiser")
    assert "has declined placement" in told
    assert "The price is too low" in told
    assert "🛒 Buy a placement" in await market.buttons("advertiser")
    assert await market.balance("advertiser") == 10_000


async def test_a_second_card_of_an_answered_ad_says_so(market: Marketplace) -> None:
    await _ask(market)
    await market.say("owner", "/start")
    assert "📺 My channels (1)" in await market.buttons("owner")
    await market.press("owner", "📺 My channels (1)")
    await market.press("owner", "⏳ Waiting for my answer (1)")
    await market.press("owner", "#")
    first, second = [
        message["message_id"]
        for message in await market.messages("owner")
        if ACCEPT in str(message["buttons"])
    ]
    await market.press("owner", ACCEPT, message_id=second)
    alert = await market.press("owner", ACCEPT, message_id=first)
    assert alert == ""
    assert ACCEPT not in str(await market.messages("owner"))
    assert await market.value("SELECT count(*) FROM placement_answers") == 1


async def test_an_owner_who_is_late_reads_that_the_time_is_over(market: Marketplace) -> None:
    await _ask(market)
    await market.database.forward(placement_expiry.DECISION_LIMIT)
    assert "is over" in await market.press("owner", ACCEPT)
    async with market.database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
    await market.deliver()
    assert "You did not answer in time" in await market.last("owner")
    assert "did not answer in time" in await market.last("advertiser")


async def test_an_owner_lets_the_bot_accept_up_to_a_price(market: Marketplace) -> None:
    await market.give("advertiser", 20_000)
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await market.press("owner", "🤝 Answers to ads")
    assert "I ask you about each ad" in await market.last("owner")
    await market.press("owner", "🤝 Accept if 3 placements were kept")
    assert "at least 3 placements" in await market.last("owner")
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "✅ Accept each ad")
    await market.press("owner", "Up to $50.00")
    assert "each ad for you, up to a price of $50.00" in await market.last("owner")
    await market.make_campaign(budget="200")
    await market.buy()
    assert "accepts such ads" in await market.last("advertiser")
    await market.deliver()
    assert "The channel's rule accepted it" in await market.last("group")
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "Daily")
    await market.press("owner", "🤝 Answers to ads")
    await market.press("owner", "✋ Ask me about each ad")
    assert await market.rows("SELECT * FROM acceptance_rules") == []


async def test_an_owner_is_asked_about_some_topics_in_spite_of_the_rule(
    market: Marketplace,
) -> None:
    await market.give("advertiser", 20_000)
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await market.press("owner", "🤝 Answers to ads")
    assert "🏷 Except for some topics" not in await market.buttons("owner")
    await market.press("owner", "✅ Accept each ad")
    await market.press("owner", "At any price")
    await market.press("owner", "🏷 Except for some topics")
    assert "ads without a topic" in await market.last("owner")
    await market.press("owner", "Food")
    await market.press("owner", "Crypto")
    await market.press("owner", "✋ Food")
    await market.press("owner", "⬅️ Back")
    assert "ads without a topic: Crypto." in await market.last("owner")

    await market.make_campaign(budget="200")
    assert "🏷 Topic: not chosen" in await market.buttons("advertiser")
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    assert "only ads with a topic" in await market.last("advertiser")
    await market.press("advertiser", "🏷 Choose the topic of the ad")
    assert "What is the ad of “Bakery” about?" in await market.last("advertiser")
    await market.press("advertiser", "Food")
    assert "🏷 Topic: Food" in await market.buttons("advertiser")
    await market.press("advertiser", "✅ Submit")
    *_, form, _campaign = await market.messages("advertiser")
    assert "accepts such ads" in form["text"], "the form is above the message with the topics"
    await market.deliver()
    assert "Topic: Food" in await market.last("group")
    assert "The channel's rule accepted it" in await market.last("group")


async def test_the_topic_stays_while_a_placement_waits(market: Marketplace) -> None:
    await _ask(market)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "Bakery")
    await market.press("advertiser", "🏷 Topic: not chosen")
    await market.press("advertiser", "Health")
    await market.press("advertiser", "🏷 Topic: Health")
    alert = await market.press("advertiser", "Food")
    assert "The topic stays" in alert
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels (1)")
    await market.press("owner", "⏳ Waiting for my answer (1)")
    await market.press("owner", "#")
    assert "Topic: Health" in await market.last("owner")


async def test_strangers_read_and_answer_nothing(market: Marketplace) -> None:
    await _ask(market)
    target_id = await market.value("SELECT max(id) FROM campaign_targets")
    before = await market.everything()
    for act in ("open", "card", "ask", "accepted"):
        await market.press_forged("advertiser", f"offer:{act}:{target_id}:")
        assert AD not in await market.last("advertiser")
    assert await market.everything() == before


async def test_the_list_says_that_nothing_waits(market: Marketplace) -> None:
    await _ask(market)
    await market.press("owner", ACCEPT)
    await market.press("owner", "⏳ All that wait for me")
    assert "No ad waits" in await market.last("owner")


async def test_buyers_read_how_the_owner_has_answered(market: Marketplace) -> None:
    await _ask(market)
    await market.database.forward(timedelta(minutes=90))
    await market.press("owner", ACCEPT)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "📣 Bakery")
    assert "· ⏱ 2 h\n" in await market.last("advertiser")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    assert "no finished placement" in await market.last("advertiser")
    assert "within 2 hours" in await market.last("advertiser")
