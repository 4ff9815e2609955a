"""Test the form with which an advertiser creates a campaign."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from typing import Any

import pytest

from bot.callbacks import CampaignAct, OnCampaign
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
    await market.press("advertiser", "💰 Budget")
    await market.press("advertiser", "⬅️ Back")
    assert "exactly as it will be published" in await market.last("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    await market.press("advertiser", "➕ New campaign")
    for answer in ("Bakery", AD, "Order", "https://example.com"):
        await market.say("advertiser", answer)
    for question in (
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
    emoji = {"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "5"}
    await market.say("advertiser", "😀 Look at https://example.com", entities=[emoji])
    assert "Custom emoji become ordinary" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    when = {"type": "date_time", "offset": 10, "length": 4, "unix_time": 1_790_000_000}
    await market.say("advertiser", "Sale ends date", entities=[when])
    assert "different in the channel" not in await market.last("advertiser")
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    await market.say("advertiser", "😀 Look at https://example.com", entities=[emoji])
    assert "Custom emoji become ordinary" in await market.last("advertiser")
    await market.press("advertiser", "💾 Save")
    stored = await market.value("SELECT creative FROM campaigns")
    assert stored["text"] == "😀 Look at https://example.com"
    assert (stored["entities"], stored["link_preview"]) == ([], {})


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("https://example.com@evil.org/", "hides where it leads"),
        ("http://1.2.3.4/", "is a number"),
        ("example.com/\u061cgnp.exe", "characters that people can't see"),
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


async def shown_ad(market: Marketplace) -> dict[str, Any]:
    """Return the ad above the question of the preview."""
    *_, ad, question = await market.messages("advertiser")
    assert "exactly as it will be published" in question["text"]
    return ad


async def test_each_part_of_an_ad_is_changed_by_itself(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer in ("Bakery", AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await market.press("advertiser", "📎 File")
    await market.say("advertiser", "no file")
    assert "That has no file" in await market.last("advertiser")
    await market.say("advertiser", "", document=True, caption="not taken")
    ad = await shown_ad(market)
    assert (ad["media"], ad["file_name"], ad["caption"]) == ("document", "sample.pdf", AD)
    await market.press("advertiser", "📝 Text")
    await market.say("advertiser", "", photo=True)
    assert "That is not a text" in await market.last("advertiser")
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    await market.say("advertiser", "Bread is new", entities=bold)
    ad = await shown_ad(market)
    assert (ad["media"], ad["caption"], ad["entities"]) == ("document", "Bread is new", bold)
    assert ad["buttons"][0][0]["text"] == "Order"
    await market.press("advertiser", "📝 Text")
    await market.press("advertiser", "🚫 Without a text")
    assert (await shown_ad(market))["caption"] is None
    await market.press("advertiser", "📎 File")
    await market.press("advertiser", "🚫 Without a file")
    assert "The text is empty" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "✏️ Name")
    await market.say("advertiser", "Rolls")
    await market.press("advertiser", "🔘 Button")
    await market.press("advertiser", "Skip")
    assert (await shown_ad(market))["buttons"] == []
    await market.press("advertiser", "💰 Budget")
    await market.say("advertiser", "50")
    await market.press("advertiser", "💾 Save")
    row = await market.value("SELECT to_jsonb(c) FROM campaigns c")
    assert (row["name"], row["total_budget"]) == ("Rolls", 5_000)
    assert (row["creative"]["kind"], row["creative"]["button_url"]) == ("document", None)


async def test_the_link_preview_is_chosen_and_shown(market: Marketplace) -> None:
    await open_campaign_form(market)
    linked = "Look at https://example.com"
    for answer in ("Bakery", linked, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    assert "link_preview_options" not in await shown_ad(market)
    seen = []
    for choice in ("⬜️ Large", "⬆️ Above the text", "🚫 No preview", "🔗 As Telegram chooses"):
        await market.press("advertiser", "🔗 Link preview")
        await market.press("advertiser", choice)
        seen.append((await shown_ad(market)).get("link_preview_options"))
    large = {"prefer_large_media": True}
    assert seen == [large, large | {"show_above_text": True}, {"is_disabled": True}, None]
    await market.say("advertiser", AD)
    assert "🔗 Link preview" not in await market.buttons("advertiser")


async def test_a_forwarded_post_is_a_new_ad(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    owner, channel = market.world.ids["owner"], market.world.ids["channel"]
    post = {"user_id": owner, "photo": True, "caption": AD, "has_media_spoiler": True}
    posted = await market.world.control(f"chats/{channel}/post", **post)
    source = {"chat_id": channel, "message_id": posted["message_id"]}
    await market.say("advertiser", "", forward_from=source)
    assert "not marked as forwarded" in await market.last("advertiser")
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    ad = await shown_ad(market)
    assert (ad["media"], ad["caption"], ad["has_media_spoiler"]) == ("photo", AD, True)
    assert "forward_origin" not in ad


async def test_kinds_that_cannot_be_an_ad_are_refused(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    kinds: tuple[dict[str, Any], ...] = ({"sticker": True}, {"voice": True}, {"contact": True})
    for kind in kinds:
        await market.say("advertiser", "", **kind)
        assert "can't be an ad" in await market.last("advertiser"), kind
    await market.say("advertiser", AD)
    assert "link button" in await market.last("advertiser")


async def save_draft(market: Marketplace) -> None:
    """Make a draft of a campaign, whose card is then shown."""
    await open_campaign_form(market)
    for answer in ("Bakery", AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await market.press("advertiser", "💾 Save")


@pytest.mark.usefixtures("with_own_login")
async def test_a_draft_is_changed_and_a_campaign_is_copied(market: Marketplace) -> None:
    await save_draft(market)
    await market.press("advertiser", "✏️ Change the draft")
    assert (await shown_ad(market))["text"] == AD
    await market.press("advertiser", "📝 Text")
    await market.say("advertiser", "Bread is new")
    await market.press("advertiser", "✖️ Cancel")
    assert "draft" in await market.last("advertiser")
    assert await market.value("SELECT creative->>'text' FROM campaigns") == AD
    await market.press("advertiser", "✏️ Change the draft")
    await market.say("advertiser", "Bread is new")
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT creative->>'text' FROM campaigns") == "Bread is new"
    await market.press("advertiser", "🚀 Activate")
    assert "✏️ Change the draft" not in await market.buttons("advertiser")
    await market.press("advertiser", "📑 Copy")
    assert (await shown_ad(market))["buttons"][0][0]["text"] == "Order"
    await market.press("advertiser", "✏️ Name")
    await market.say("advertiser", "Rolls")
    await market.press("advertiser", "💾 Save")
    rows = "SELECT jsonb_agg(ARRAY[name, status, creative->>'text'] ORDER BY id) FROM campaigns"
    assert await market.value(rows) == [
        ["Bakery", "active", "Bread is new"],
        ["Rolls", "draft", "Bread is new"],
    ]


async def test_an_old_button_does_not_change_an_active_campaign(market: Marketplace) -> None:
    await save_draft(market)
    campaign_id = await market.value("SELECT id FROM campaigns")
    await market.press("advertiser", "✏️ Change the draft")
    await market.say("advertiser", "Bread is new")
    save = (await market.messages("advertiser"))[-1]["message_id"]
    activate = OnCampaign(act=CampaignAct.ACTIVATE, id=campaign_id).pack()
    await market.press_forged("advertiser", activate)
    await market.press("advertiser", "💾 Save", message_id=save)
    assert await market.value("SELECT creative->>'text' FROM campaigns") == AD
