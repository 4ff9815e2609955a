"""Test the form with which an advertiser buys a placement."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from datetime import timedelta

import pytest

from tests.handlers.marketplace import AD, Marketplace


@pytest.mark.usefixtures("with_own_login")
async def test_a_placement_is_bought_and_approved(market: Marketplace) -> None:
    await market.give("advertiser", 20_000)
    await market.connect_channel()
    await market.make_campaign()
    await market.submit()
    *_, ad, card = await market.messages("group")
    assert ad["text"] == AD
    assert "Waits for a decision" in card["text"]
    alert = await market.press("admin", "✅ Approve", where="group")
    assert alert == ""
    assert "Approved by" in await market.last("group")
    assert await market.buttons("group") == []
    assert await market.value("SELECT status FROM escrows") == "held"
    assert await market.value("SELECT status FROM post_jobs") == "queued"
    await market.deliver()
    assert "is approved" in await market.last("advertiser")
    assert "An ad will be published" in await market.last("owner")
    await market.press("advertiser", "📋 Open the placement")
    assert "approved, waits to be published" in await market.last("advertiser")
    *_, receipt, _screen = await market.messages("advertiser")
    assert "is approved" in receipt["text"], "the screen is a new message, and the receipt stays"
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $150.00\nHeld for placements: $50.00" in await market.last("advertiser")


async def test_a_time_is_read_in_the_time_zone_of_the_person(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "🕒 At a time I choose")
    assert "Which time zone" in await market.last("advertiser")
    await market.say("advertiser", "Atlantis")
    assert "do not know that time zone" in await market.last("advertiser")
    await market.say("advertiser", "GMT+3")
    assert "Your time zone: UTC+3" in await market.last("advertiser")
    await market.say("advertiser", "soon")
    assert "can't read that" in await market.last("advertiser")
    await market.say("advertiser", "2035-07-01 18:00")
    assert "1 Jul 2035 18:00, UTC+3" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit")
    at = await market.value("SELECT publish_at FROM campaign_targets")
    assert (at.isoformat(), at.utcoffset()) == ("2035-07-01T15:00:00+00:00", timedelta())


async def test_a_time_that_comes_twice_is_asked_again(market: Marketplace) -> None:
    """Check the hour that comes twice when the clocks are set back."""
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "🕒 At a time I choose")
    await market.say("advertiser", "Europe/Berlin")
    await market.say("advertiser", "2035-10-28 02:30")
    assert "comes twice" in await market.last("advertiser")
    assert "2035-10-28 02:30 +02:00 (the earlier one)" in await market.last("advertiser")
    await market.say("advertiser", "2035-10-28 02:30 +01:00")
    assert "28 Oct 2035 02:30 CET, Europe/Berlin" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit")
    at = await market.value("SELECT publish_at FROM campaign_targets")
    assert at.isoformat() == "2035-10-28T01:30:00+00:00"


async def test_a_past_time_and_a_far_time_are_refused(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "🕒 At a time I choose")
    await market.say("advertiser", "UTC")
    await market.say("advertiser", "2020-01-01 10:00")
    assert "already over" in await market.last("advertiser")
    await market.say("advertiser", "31.12.9999 23:59")
    assert "too far ahead. The latest time is" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "⚡ As soon as approved")
    await market.press("advertiser", "✅ Submit")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1


@pytest.mark.parametrize(("price", "hours"), [("60", "24"), ("50", "12")])
async def test_changed_terms_are_shown_before_the_purchase(
    market: Marketplace, price: str, hours: str
) -> None:
    await market.connect_channel(price="50", hours="24")
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    await market.press("owner", "✏️ Price and terms")
    if hours == "24":
        await market.press("owner", "24 h")
        await market.press("owner", "✏️ Change the price")
        await market.say("owner", price)
        await market.press("owner", "✅ Yes, it is right")
    else:
        await market.press("owner", "➕ Add a format")
        for answer in (price, hours):
            await market.say("owner", answer)
        await market.press("owner", "24 h")
        await market.press("owner", "🗑 Stop selling it")
    await market.press("advertiser", "✅ Submit")
    shown = await market.last("advertiser")
    assert "changed the terms" in shown
    assert f"Price: ${price}.00" in shown
    assert f"Stays: {hours} hours" in shown
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    await market.press("advertiser", "✅ Submit")
    (made,) = await market.rows("SELECT price, promised_hours FROM campaign_targets")
    assert made == {"price": int(price) * 100, "promised_hours": int(hours)}


async def test_a_submission_says_how_much_money_is_missing(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    await market.give("advertiser", 1_000)
    await market.press("advertiser", "✅ Submit")
    assert "Nothing was submitted: $40.00 is missing" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    await market.press("advertiser", "💳 Top up")
    await market.pay("advertiser")
    await market.deliver()
    await market.press("advertiser", "✅ Submit")
    texts = [message["text"] or "" for message in await market.messages("advertiser")]
    assert sum("✅ Sent to the owner" in shown for shown in texts) == 1
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1
