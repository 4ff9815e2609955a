"""Test the form with which an advertiser creates a campaign."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import pytest

from tests.handlers.marketplace import AD, Marketplace


async def open_campaign_form(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")


async def test_an_empty_or_too_long_name_is_asked_again(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.send_photo("advertiser")
    assert (await market.last("advertiser")).startswith("⚠️ The text is empty")
    for name in ("x" * 65, "😀" * 33):
        await market.say("advertiser", name)
        problem = await market.last("advertiser")
        assert problem.startswith("⚠️")
        assert "What is it called" in problem
    await market.say("advertiser", "Bakery")
    assert "send the ad itself" in await market.last("advertiser")


async def test_each_step_of_a_form_says_what_is_wrong(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", AD)
    await market.say("advertiser", "B" * 65)
    assert "at most 64" in await market.last("advertiser")
    await market.say("advertiser", "Order")
    for url in ("ftp://example.com", "https://", "javascript:alert(1)", "just words"):
        await market.say("advertiser", url)
        assert "not an address" in await market.last("advertiser"), url
    await market.say("advertiser", "mailto:someone@example.com")
    assert "an e-mail address" in await market.last("advertiser")
    await market.press("advertiser", "Skip")
    for budget in ("nothing", "-5", "0", "1.234", "1e9"):
        await market.say("advertiser", budget)
        assert "not an amount" in await market.last("advertiser"), budget
    await market.say("advertiser", "5 ⭐")
    assert "Amounts here are in USD" in await market.last("advertiser")
    await market.say("advertiser", "100")
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT total_budget FROM campaigns") == 10_000


async def test_back_and_cancel_work_at_every_step(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer, question in (
        ("Bakery", "send the ad itself"),
        (AD, "link button"),
        ("Order", "Where does the button lead"),
        ("https://example.com", "What is the budget"),
        ("100", "exactly as it will be published"),
    ):
        await market.say("advertiser", answer)
        assert question in await market.last("advertiser")
        assert "✖️ Cancel" in await market.buttons("advertiser")
    for question in (
        "What is the budget",
        "link button",
        "send the ad itself",
        "What is it called",
    ):
        await market.press("advertiser", "⬅️ Back")
        assert question in await market.last("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    assert "You have no campaigns yet" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaigns") == 0


async def test_saving_twice_makes_one_campaign(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", AD)
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    preview = (await market.messages("advertiser"))[-1]["message_id"]
    body = {"chat_id": market.chat("advertiser"), "message_id": preview, "button": "💾 Save"}
    for _ in range(2):
        await market.world.control(f"users/{market.chat('advertiser')}/press", **body, wait=False)
    await market.settle()
    assert await market.value("SELECT count(*) FROM campaigns") == 1


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


async def test_an_ad_may_be_a_photo(market: Marketplace) -> None:
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
    stored = await market.value("SELECT creative FROM campaigns")
    sent = next(m for m in await market.messages("advertiser") if m["media"])
    message = market.world.state.find_message(market.chat("advertiser"), sent["message_id"])
    assert message is not None
    [photo] = message.body["photo"]
    assert stored["kind"] == "photo"
    assert stored["file_unique_id"] == photo["file_unique_id"]


async def test_a_new_ad_at_the_preview_replaces_the_old_one(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer in ("Bakery", AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await market.send_photo("advertiser", has_media_spoiler=True, show_caption_above_media=True)
    *_, ad, question = await market.messages("advertiser")
    assert (ad["caption"], ad["media"]) == ("Our bread", "photo")
    assert [[button["text"] for button in row] for row in ad["buttons"]] == [["Order"]]
    assert "Budget: $100.00" in question["text"]
    await market.press("advertiser", "💾 Save")
    stored = await market.value("SELECT creative FROM campaigns")
    assert (stored["kind"], stored["button_text"]) == ("photo", "Order")
    assert (stored["has_spoiler"], stored["caption_above"]) == (True, True)


async def test_a_command_is_not_taken_as_the_ad(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", "/foo bar")
    assert "is a command" in await market.last("advertiser")
    assert "send the ad itself" in await market.last("advertiser")
    for answer in (AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await market.say("advertiser", "/bar")
    assert "is a command" in await market.last("advertiser")
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT creative->>'text' FROM campaigns") == AD


async def test_what_an_ad_loses_is_said_before_it_is_saved(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", "Look at https://example.com")
    assert "Links have no preview" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    when = {"type": "date_time", "offset": 10, "length": 4, "unix_time": 1_790_000_000}
    await market.say("advertiser", "Sale ends date", entities=[when])
    assert "different in the channel" not in await market.last("advertiser")
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    await market.say("advertiser", "Look at https://example.com")
    assert "Links have no preview" in await market.last("advertiser")
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT creative->>'text' FROM campaigns") == (
        "Look at https://example.com"
    )


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("https://example.com@evil.org/", "hides where it leads"),
        ("http://1.2.3.4/", "is a number"),
        ("example.com/\u202egnp.exe", "characters that people can't see"),
        ("https://exam\u3164ple.com", "characters that people can't see"),
        ("ftp://bank.com@evil.org/x", "is not an address"),
    ],
)
async def test_an_address_in_the_text_may_not_hide_where_it_leads(
    market: Marketplace, typed: str, why: str
) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    link = {"type": "url", "offset": 4, "length": len(typed)}
    await market.say("advertiser", f"See {typed} now", entities=[link])
    assert why in await market.last("advertiser")
    link["length"] = len("tg://resolve?domain=bakery")
    await market.say("advertiser", "See tg://resolve?domain=bakery now", entities=[link])
    assert "link button" in await market.last("advertiser")
