"""Test the forms with which an advertiser makes an ad of an album."""

from typing import Any

import pytest

from tests.handlers.marketplace import AD, Marketplace
from tests.handlers.test_campaign_form import open_campaign_form

WITHOUT_BUTTON = "✅ Go on without a button"


async def send(
    market: Marketplace, album: str, *kinds: str, caption: str = "", **more: Any
) -> None:
    """Send files of an album one after the other. The first one has the caption."""
    for number, kind in enumerate(kinds):
        content: dict[str, Any] = {kind: True, "media_group_id": album} | more
        await market.say("advertiser", caption if number == 0 else "", **content)


async def open_ad_step(market: Marketplace) -> None:
    """Open the form of a campaign, and answer its first question."""
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")


async def kinds_stored(market: Marketplace) -> list[str]:
    """Return the kinds of the items of the only campaign's album."""
    stored = await market.value("SELECT creative FROM campaigns")
    return [item["kind"] for item in stored.get("items", ())]


async def test_an_album_is_gathered_previewed_and_saved(market: Marketplace) -> None:
    await open_ad_step(market)
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    more = {"entities": bold, "has_media_spoiler": True, "show_caption_above_media": True}
    await send(market, "7", "photo", caption="Bread", **more)
    assert "1 file has come" in await market.last("advertiser")
    assert "can't have a link button" in await market.last("advertiser")
    before = len(await market.messages("advertiser"))
    await send(market, "7", "video", "photo", caption="More bread")
    assert "3 files have come" in (await market.messages("advertiser"))[-3]["text"]
    assert len(await market.messages("advertiser")) == before + 2, "one question is edited"
    await market.press("advertiser", WITHOUT_BUTTON)
    assert "What is the budget" in await market.last("advertiser")
    await market.say("advertiser", "100")
    *_, first, second, third, _preview = await market.messages("advertiser")
    assert [each["media"] for each in (first, second, third)] == ["photo", "video", "photo"]
    assert len({each["media_group_id"] for each in (first, second, third)}) == 1
    assert (first["caption"], first["entities"]) == ("Bread", bold)
    assert first["has_media_spoiler"] is first["show_caption_above_media"] is True
    assert second["caption"] == "More bread"
    assert "This ad is an album" in await market.last("advertiser")
    shown = await market.buttons("advertiser")
    assert "📎 File" not in shown
    assert "🔘 Button" not in shown
    await market.press("advertiser", "💾 Save")
    assert await kinds_stored(market) == ["photo", "video", "photo"]
    await market.press("advertiser", "👁 Show the ad")
    assert [each["media"] for each in (await market.messages("advertiser"))[-4:-1]] == [
        *("photo", "video", "photo")
    ]


async def test_a_late_file_is_added_and_one_file_is_no_album(market: Marketplace) -> None:
    await open_ad_step(market)
    await send(market, "7", "photo")
    await market.press("advertiser", WITHOUT_BUTTON)
    assert "Only one file" in await market.last("advertiser")
    await send(market, "7", "photo")
    await market.press("advertiser", WITHOUT_BUTTON)
    assert "What is the budget" in await market.last("advertiser")
    await send(market, "7", "photo")
    [question] = [
        each["text"]
        for each in await market.messages("advertiser")
        if "files have come" in (each["text"] or "")
    ]
    assert "3 files" in question
    await market.press("advertiser", WITHOUT_BUTTON)
    await market.say("advertiser", "100")
    await send(market, "7", "photo")
    await market.press("advertiser", WITHOUT_BUTTON)
    await market.press("advertiser", "💾 Save")
    assert await kinds_stored(market) == ["photo"] * 4


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        (("photo", "document", "photo"), "but not together"),
        (("animation", "photo"), "something else in it"),
        (("photo", "sticker", "photo"), "something else in it"),
        (("photo",) * 11, "at most 10 files"),
    ],
)
async def test_a_wrong_album_is_refused_once_and_no_part_is_an_ad(
    market: Marketplace, kinds: tuple[str, ...], reason: str
) -> None:
    await open_ad_step(market)
    await send(market, "7", *kinds)
    answers = [each["text"] or "" for each in await market.messages("advertiser")]
    assert sum(reason in answer for answer in answers) == 1
    assert sum("send the ad itself" in answer for answer in answers) == 2
    await send(market, "8", "document", "document")
    await market.press("advertiser", WITHOUT_BUTTON)
    await market.say("advertiser", "100")
    await market.press("advertiser", "💾 Save")
    assert await kinds_stored(market) == ["document", "document"]


async def test_an_album_replaces_an_ad_and_an_ad_replaces_an_album(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer in ("Bakery", AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await send(market, "7", "photo", "photo")
    await market.press("advertiser", WITHOUT_BUTTON)
    assert "This ad is an album" in await market.last("advertiser")
    await market.send_photo("advertiser")
    assert "This ad is an album" not in await market.last("advertiser")
    await send(market, "7", "photo")
    assert "belongs to an album that I don't take" in await market.last("advertiser")
    await market.press("advertiser", "💾 Save")
    stored = await market.value("SELECT creative FROM campaigns")
    assert (stored["kind"], stored["button_url"]) == ("photo", None)


async def test_another_ad_can_be_sent_instead_of_a_gathered_album(market: Marketplace) -> None:
    await open_ad_step(market)
    await send(market, "7", "photo", "photo")
    await market.press("advertiser", "🔁 Another ad")
    assert "send the ad itself" in await market.last("advertiser")
    await market.say("advertiser", AD)
    assert "Should there be a link button" in await market.last("advertiser")


async def test_a_part_of_an_ad_is_not_replaced_by_an_album(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer in ("Bakery", AD, "Order", "https://example.com", "100"):
        await market.say("advertiser", answer)
    await market.press("advertiser", "📎 File")
    await send(market, "7", "photo", "photo")
    answers = [each["text"] or "" for each in await market.messages("advertiser")]
    assert sum("replaces the whole ad" in answer for answer in answers) == 1


async def test_an_album_is_shown_to_the_owner_and_the_admins(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await open_ad_step(market)
    await send(market, "7", "photo", "photo", caption="Bread")
    await market.press("advertiser", WITHOUT_BUTTON)
    await market.say("advertiser", "100")
    await market.press("advertiser", "💾 Save")
    await market.press("advertiser", "🚀 Activate")
    await market.buy()
    await market.deliver()
    await shows_album(market, "owner")
    await market.press("owner", "✅ Accept")
    await market.deliver()
    await shows_album(market, "group")


async def shows_album(market: Marketplace, who: str) -> None:
    """Check that the last messages of a chat are the album and the card with its buttons."""
    *_, first, second, card = await market.messages(who)
    assert (first["caption"], first["media"], second["media"]) == ("Bread", "photo", "photo")
    assert first["media_group_id"] == second["media_group_id"]
    assert card["buttons"]
