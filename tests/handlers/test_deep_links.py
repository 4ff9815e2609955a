"""Test the links that open the card of a channel, and one's own campaign."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import pytest

from tests.handlers.marketplace import AD, Marketplace


async def link(market: Marketplace) -> str:
    """Return the command that the link to the channel's card sends."""
    return f"/start buy_{await market.value('SELECT id FROM channels')}"


@pytest.mark.usefixtures("with_own_login")
async def test_a_new_person_is_welcomed_and_buys_in_the_channel_of_the_link(
    market: Marketplace,
) -> None:
    await market.connect_channel()
    await market.say("advertiser", await link(market))
    welcome, card = (await market.messages("advertiser"))[-2:]
    assert "Welcome" in welcome["text"]
    assert card["text"].startswith("📺 Daily")
    await market.press("advertiser", "🛒 Buy here")
    assert "you need an active campaign" in await market.last("advertiser")
    await market.press("advertiser", "➕ New campaign")
    for answer in ("Bakery", AD):
        await market.say("advertiser", answer)
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    await market.press("advertiser", "💾 Save")
    assert "saved as a draft" in await market.last("advertiser")
    assert await market.value("SELECT status FROM campaigns") == "draft"
    await market.press("advertiser", "🚀 Activate and buy")
    assert await market.value("SELECT status FROM campaigns") == "active"
    await market.press("advertiser", "⚡ As soon as approved")
    await market.give("advertiser", 10_000)
    await market.press("advertiser", "✅ Submit")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 1


async def test_a_known_person_comes_to_the_card_at_once_and_chooses_a_campaign(
    market: Marketplace,
) -> None:
    await market.connect_channel()
    await market.make_campaign()
    before = len(await market.messages("advertiser"))
    await market.say("advertiser", await link(market))
    assert len(await market.messages("advertiser")) == before + 2, "the command and the card"
    await market.press("advertiser", "🛒 Buy here")
    assert "When should it be published?" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ Back")
    assert "Buy a placement here?" in await market.last("advertiser")
    await market.make_campaign()
    await market.say("advertiser", await link(market))
    await market.press("advertiser", "🛒 Buy here")
    assert "For which campaign" in await market.last("advertiser")
    assert (await market.buttons("advertiser")).count("📣 Bakery") == 2
    newest = (await market.messages("advertiser"))[-1]["message_id"]
    await market.press("advertiser", "📣 Bakery", message_id=newest, row=0, column=0)
    await market.press("advertiser", "⚡ As soon as approved")
    assert "Please check" in await market.last("advertiser")


async def test_the_owner_cannot_buy_in_the_own_channel(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("owner", await link(market))
    assert "🛒 Buy here" not in await market.buttons("owner")
    await market.press("owner", "⬅️ Back")
    assert "Status: on offer" in await market.last("owner")


async def test_wrong_and_old_links_have_a_way_on(market: Marketplace) -> None:
    await market.connect_channel()
    command = await link(market)
    await market.press("owner", "⏸ Pause")
    await market.say("advertiser", "/start")
    wrong = ("/start buy_", "/start buy_x", "/start buy_-1", "/start buy_٣", "/start buy_0")
    for each in (command, *wrong, f"/start buy_{2**63}", f"/start buy_{'9' * 60}"):
        await market.say("advertiser", each)
        assert "not on offer, or the link is wrong" in await market.last("advertiser"), each
    await market.press("advertiser", "🛒 Buy a placement")
    assert "need an active campaign" in await market.last("advertiser")


@pytest.mark.usefixtures("with_own_login")
async def test_a_campaign_is_opened_by_its_advertiser_alone(market: Marketplace) -> None:
    await market.make_campaign()
    command = f"/start c_{await market.value('SELECT id FROM campaigns')}"
    await market.say("advertiser", command)
    assert "Bakery" in await market.last("advertiser")
    assert await market.refusals() == []
    for who, each in (("owner", command), ("admin", command), ("advertiser", "/start c_999")):
        await market.say(who, each)
        assert "You have no such campaign" in await market.last(who)
        assert "📣 Campaigns" in await market.buttons(who)
    assert [row["error"] for row in await market.refusals()] == ["NotCampaignOwner"] * 2
    assert "Welcome" in (await market.messages("owner"))[-2]["text"]
