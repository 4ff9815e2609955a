"""What people come for, by pressing the buttons."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from datetime import timedelta

import pytest

from tests.handlers.marketplace import AD, PROVIDER_TOKEN, Marketplace


async def test_a_top_up_by_invoice_reaches_the_wallet(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $0.00" in await market.last("advertiser")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    assert (await market.pay("advertiser"))["ok"]
    await market.deliver()
    assert "$100.00 has arrived" in await market.last("advertiser")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $100.00" in await market.last("advertiser")
    await market.press("advertiser", "📄 Statement")
    assert "Top-up: +$100.00" in await market.last("advertiser")
    assert PROVIDER_TOKEN not in str(await market.messages("advertiser"))


async def test_a_channel_is_connected_with_its_terms(market: Marketplace) -> None:
    await market.connect_channel(price="12.50", hours="0")
    card = await market.last("owner")
    assert "on offer" in card
    assert "$12.50" in card
    (channel,) = await market.rows("SELECT status, price, promised_hours, topic FROM channels")
    assert channel == {"status": "active", "price": 1250, "promised_hours": 0, "topic": "news"}
    await market.press("owner", "⏸ Pause")
    assert await market.value("SELECT status FROM channels") == "paused"
    await market.press("owner", "▶️ Offer it again")
    assert await market.value("SELECT status FROM channels") == "active"


async def test_a_campaign_is_made_previewed_and_activated(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "Bakery <b>")
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    await market.say("advertiser", AD, entities=bold)
    await market.say("advertiser", "Order")
    await market.say("advertiser", "example.com/bread")
    await market.say("advertiser", "100")
    *_, ad, _question = await market.messages("advertiser")
    assert (ad["text"], ad["entities"]) == (AD, bold)
    assert [[button["text"] for button in row] for row in ad["buttons"]] == [["Order"]]
    assert await market.value("SELECT count(*) FROM campaigns") == 0
    await market.press("advertiser", "💾 Save")
    assert "draft" in await market.last("advertiser")
    assert "Bakery <b>" in await market.last("advertiser")
    await market.press("advertiser", "🚀 Activate")
    assert "Status: active" in await market.last("advertiser")
    stored = await market.value("SELECT creative FROM campaigns WHERE status = 'active'")
    assert stored["button_url"] == "https://example.com/bread"
    audit = "SELECT count(*) FROM user_audit_logs WHERE action = 'campaign_activated'"
    assert await market.value(audit) == 1


async def test_a_photo_is_an_ad_too(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "Bakery")
    await market.send_photo("advertiser")
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    *_, ad, _question = await market.messages("advertiser")
    assert (ad["caption"], ad["media"]) == ("Our bread", "photo")
    await market.press("advertiser", "💾 Save")
    await market.press("advertiser", "👁 Show the ad")
    assert await market.value("SELECT creative->>'kind' FROM campaigns") == "photo"


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
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $150.00\nHeld for placements: $50.00" in await market.last("advertiser")


async def test_a_placement_is_rejected_with_a_reason(market: Marketplace) -> None:
    await market.submitted()
    await market.press("admin", "❌ Reject", where="group")
    await market.press("admin", "Misleading", where="group")
    assert "Rejected by" in await market.last("group")
    await market.deliver()
    assert "Reason: Misleading" in await market.last("advertiser")
    assert await market.value("SELECT status FROM campaign_targets") == "rejected"


async def test_two_presses_on_approve_hold_once(market: Marketplace) -> None:
    await market.give("advertiser", 20_000)
    await market.submitted()
    card = (await market.messages("group"))[-1]["message_id"]
    body = {"chat_id": market.chat("group"), "message_id": card, "button": "✅ Approve"}
    for _ in range(2):
        await market.world.control(f"users/{market.chat('admin')}/press", **body, wait=False)
    await market.settle()
    holds = "SELECT count(*) FROM ledger_transfers WHERE reason = 'escrow_hold'"
    assert await market.value(holds) == 1
    assert await market.value("SELECT count(*) FROM post_jobs") == 1


async def test_a_time_is_asked_in_the_persons_zone(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🕒 At a time I choose")
    assert "Which time zone" in await market.last("advertiser")
    await market.say("advertiser", "Atlantis")
    assert "do not know that time zone" in await market.last("advertiser")
    await market.say("advertiser", "Berlin")
    await market.say("advertiser", "soon")
    assert "can't read that" in await market.last("advertiser")
    await market.say("advertiser", "2035-07-01 18:00")
    assert "1 Jul 2035 18:00 CEST" in await market.last("advertiser")
    await market.press("advertiser", "✅ Submit")
    at = await market.value("SELECT publish_at FROM campaign_targets")
    assert (at.isoformat(), at.utcoffset()) == ("2035-07-01T16:00:00+00:00", timedelta())


async def test_a_time_that_is_over_is_refused(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🕒 At a time I choose")
    await market.say("advertiser", "UTC")
    await market.say("advertiser", "2020-01-01 10:00")
    alert = await market.press("advertiser", "✅ Submit")
    assert "already over" in alert
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "⚡ As soon as approved")
    await market.press("advertiser", "✅ Submit")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1


@pytest.mark.parametrize(("price", "hours"), [("60", "24"), ("50", "12")])
async def test_terms_that_changed_meanwhile_are_shown_before_they_are_agreed_to(
    market: Marketplace, price: str, hours: str
) -> None:
    await market.connect_channel(price="50", hours="24")
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "⚡ As soon as approved")
    await market.press("owner", "✏️ Price and terms")
    for answer in (price, hours, "news"):
        await market.say("owner", answer)
    await market.press("advertiser", "✅ Submit")
    shown = await market.last("advertiser")
    assert "changed the terms" in shown
    assert f"Price: ${price}.00" in shown
    assert f"Stays: {hours} hours" in shown
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    await market.press("advertiser", "✅ Submit")
    (made,) = await market.rows("SELECT price, promised_hours FROM campaign_targets")
    assert made == {"price": int(price) * 100, "promised_hours": int(hours)}


async def test_a_waiting_placement_is_taken_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.submit()
    await market.press("advertiser", "🗑 Take it back")
    assert "taken back" in await market.last("advertiser")
    assert "taken back" not in await market.last("group")
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "can't be done now" in alert


async def test_a_campaign_is_ended_after_a_question(market: Marketplace) -> None:
    await market.make_campaign()
    await market.press("advertiser", "🗑 End the campaign")
    assert await market.value("SELECT status FROM campaigns") == "active"
    await market.press("advertiser", "🗑 Yes, end it")
    assert await market.value("SELECT status FROM campaigns") == "cancelled"


async def test_the_language_is_telegrams_until_one_is_chosen(market: Marketplace) -> None:
    person = await market.world.control("users", first_name="Guest", language_code="ru")
    market.world.ids["guest"] = person["id"]
    await market.say("guest", "/start")
    assert "Добро пожаловать" in await market.last("guest")
    await market.press("guest", "⚙️ Настройки")
    await market.press("guest", "English")
    await market.press("guest", "⬅️ Back")
    await market.say("guest", "/start")
    assert "Welcome" in await market.last("guest")


async def test_the_pages_that_telegram_asks_for_are_there(market: Marketplace) -> None:
    for page, words in (("/paysupport", "support"), ("/terms", "legal"), ("/privacy", "keep")):
        await market.say("advertiser", page)
        assert words in await market.last("advertiser")
