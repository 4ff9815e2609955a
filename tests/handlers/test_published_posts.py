"""Test the notices and cards about published posts."""

import re
from datetime import timedelta

import pytest

from db.models.posting import Verdict
from db.models.users import Role
from services.market import channels
from services.money import escrow
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import check, publish_ad, release
from tests.handlers.uncertain_post import ask, job, target

REFUND = "↩️ Refund the advertiser"
SURE_REFUND = "↩️ Yes, refund it"
SURE_RELEASE = "💰 Yes, pay the owner"
DISMISS = "✋ It doesn't count: let the checks decide"
SURE_DISMISS = "✋ Yes, it doesn't count"
PAY_ANYWAY = "💰 Pay the owner anyway"


@pytest.mark.parametrize(
    ("verdicts", "checks", "said"),
    [
        ([], 2, "the post has stayed as promised"),
        ([], 1, "But for 2 h 0 min nobody checked it. If you saw something else"),
        ([Verdict.UNKNOWN], 2, "Not every check of the post got an answer"),
        ([Verdict.ALTERED], 2, "changed once"),
    ],
)
async def test_only_a_post_that_stayed_is_said_to_have_stayed(
    market: Marketplace, verdicts: list[Verdict], checks: int, said: str
) -> None:
    await publish_ad(market)
    for verdict in verdicts:
        await check(market, verdict)
    await release(market, checks=checks)
    assert said in await market.last("advertiser")
    assert ("stayed" in await market.last("advertiser")) == ("stayed" in said)


async def test_the_link_to_a_post_of_a_public_channel_has_the_channels_name(
    market: Marketplace,
) -> None:
    """Check that the link works for people who are not in the channel."""
    await publish_ad(market)
    await market.database.as_owner("UPDATE channels SET username = 'daily_news'")
    await market.deliver()
    for party in ("advertiser", "owner"):
        urls = [
            button["url"]
            for message in await market.messages(party)
            for row in message["buttons"] or []
            for button in row
            if button["kind"] == "url"
        ]
        assert any(url.startswith("https://t.me/daily_news/") for url in urls), party


async def test_both_sides_read_what_was_changed(market: Marketplace) -> None:
    await publish_ad(market)
    await check(market, Verdict.ALTERED)
    await market.deliver()
    for party in ("advertiser", "owner"):
        assert "was changed" in await market.last(party)
        assert "the text, its formatting or its place" in await market.last(party)


@pytest.mark.usefixtures("with_own_login")
async def test_the_card_of_a_breach_shows_the_checks_and_an_admin_dismisses_it(
    market: Marketplace,
) -> None:
    await publish_ad(market)
    await check(market, Verdict.PRESENT)
    for _ in range(2):
        await check(market, Verdict.ALTERED)
    await market.deliver()
    card = await market.last("group")
    assert "the ad was there" in card
    assert card.count("the ad was changed: the text, its formatting or its place") == 2
    assert "the advertiser gets it back" in card
    assert await market.buttons("group") == ["🔗 Open the post", DISMISS, REFUND]
    assert "the admins decide" in await market.last("owner")
    await market.press("advertiser", "📋 Open the placement")
    assert "Status: ⚖️ the admins decide" in await market.last("advertiser")
    assert re.search(r"\n\s*Published: \d", await market.last("advertiser"))
    await market.press("admin", DISMISS, where="group")
    assert await market.value("SELECT breach FROM post_jobs") == "altered"
    await market.press("admin", SURE_DISMISS, where="group")
    assert "the bot goes on checking it" in await market.last("group")
    await market.press("advertiser", "🔄 Refresh")
    assert "Status: 🟢 published" in await market.last("advertiser")
    assert await market.value("SELECT breach FROM post_jobs") is None
    await market.deliver()
    assert "does not count against you" in await market.last("owner")
    assert "no reason to give the money back" in await market.last("advertiser")
    await release(market)
    assert "changed 2 times" in await market.last("advertiser")
    assert "stayed" not in await market.last("advertiser")


@pytest.mark.usefixtures("with_own_login")
async def test_an_admin_refunds_a_breach(market: Marketplace) -> None:
    await publish_ad(market)
    for _ in range(2):
        await check(market, Verdict.ALTERED)
    await market.deliver()
    await market.press("admin", REFUND, where="group")
    await market.press("admin", SURE_REFUND, where="group")
    assert await job(market) == ("failed", "held")


async def test_the_card_of_a_lock_out_offers_the_payout_only_after_the_hours(
    market: Marketplace,
) -> None:
    await publish_ad(market)
    async with market.database.sessions.begin() as session:
        await channels.record_rights_lost(
            session, chat_id=market.chat("channel"), reason="no_post_right"
        )
    await ask(market, timedelta(hours=1))
    card = await market.last("group")
    assert "the bot lost its rights" in card
    assert "2 h 0 min before the end" in card
    assert await market.buttons("group") == ["🔗 Open the post", DISMISS, PAY_ANYWAY, REFUND]
    await market.press("admin", PAY_ANYWAY, where="group")
    answer = await market.press("admin", SURE_RELEASE, where="group")
    assert "not proven yet" in answer
    assert "belongs to another person" not in card
    buyer = (await market.actor("advertiser")).user_id
    await market.database.as_owner("UPDATE channels SET owner_id = $1", buyer)
    await market.press("admin", "⬅️ No, go back", where="group")
    assert "The channel belongs to another person now" in await market.last("group")
    await market.database.forward(timedelta(hours=1))
    await market.hire_newcomer("second", Role.ADMIN)
    for admin in ("admin", "second"):  # no check has ever seen the post
        await market.press(admin, PAY_ANYWAY, where="group")
        await market.press(admin, SURE_RELEASE, where="group")
    command = f"/payowner {await target(market)} I saw it in the channel"
    await market.say("second", command, where="group")
    async with market.database.sessions.begin() as session:
        await escrow.release(session, target_id=await target(market))
    await market.deliver()
    paid = await market.last("advertiser")
    assert "an admin has decided" in paid
    assert "stayed as promised" not in paid


async def test_the_card_of_a_post_that_was_not_seen_at_the_end_names_the_gap(
    market: Marketplace,
) -> None:
    # No scheduler runs in the last 50 minutes, and the owner deletes the ad after its hours.
    await publish_ad(market)
    await market.database.forward(timedelta(hours=1, minutes=9, seconds=30))
    await check(market, Verdict.PRESENT)
    await market.database.forward(timedelta(minutes=51))
    for _ in range(2):
        await check(market, Verdict.GONE)
        await market.database.forward(timedelta(minutes=6))
    assert await job(market) == ("success", "held")
    await ask(market, timedelta(hours=1))
    assert "0 h 50 min before the end" in await market.last("group")
    assert await market.buttons("group") == [
        "🔗 Open the post",
        "⏳ Wait another day",
        "💰 It stayed: pay the owner",
        REFUND,
    ]
