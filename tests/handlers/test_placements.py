"""Test that an advertiser can take back a pending placement, and cancel an approved one."""

from datetime import UTC, datetime, timedelta

from bot.screens import stories
from bot.screens.paging import Page
from bot.texts import Texts
from services.market.stories import Step
from tests.handlers.marketplace import AD, Marketplace
from tests.handlers.published_post import publish_ad, release

TAKE_BACK = "🗑 Take it back"
CANCEL = "🗑 Cancel it, get the money back"


async def test_a_waiting_placement_is_taken_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("advertiser", "/start")
    await market.give("advertiser", 5_000)
    await market.deliver()
    await market.make_campaign()
    await market.submit()
    card = await market.last("group")
    await market.press("advertiser", "📋 Open the placement")
    await market.press("advertiser", TAKE_BACK)
    assert "It ends for good" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ No, go back")
    await market.press("advertiser", TAKE_BACK)
    assert await market.value("SELECT status FROM campaign_targets") == "pending"
    await market.press("advertiser", "🗑 Yes, take it back")
    assert "taken back" in await market.last("advertiser")
    assert await market.last("group") == card
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "can't be done now" in alert


async def test_an_old_screen_takes_nothing_back(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 5_000)
    await market.submit()
    await market.press("admin", "❌ Reject", where="group")
    [reason, *_] = await market.buttons("group")
    await market.press("admin", reason, where="group")
    assert await market.press("advertiser", TAKE_BACK) == (
        "This has been decided already. Nothing was changed."
    )
    assert await market.value("SELECT status FROM campaign_targets") == "rejected"


async def test_an_old_screen_shows_that_the_placement_is_approved(market: Marketplace) -> None:
    await market.submitted()
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "⏳ #")
    await market.press("admin", "✅ Approve", where="group")
    alert = await market.press("advertiser", TAKE_BACK)
    assert "decided already" in alert
    assert "approved, waits to be published" in await market.last("advertiser")
    assert TAKE_BACK not in await market.buttons("advertiser")


async def test_an_approved_placement_is_cancelled_before_its_time(market: Marketplace) -> None:
    await market.submitted(publish_in=timedelta(days=30))
    await market.give("advertiser", 5_000)
    await market.press("admin", "✅ Approve", where="group")
    await market.deliver()
    await market.press("advertiser", "📋 Open the placement")
    assert "You can cancel it until" in await market.last("advertiser")
    await market.press("advertiser", CANCEL)
    assert "$50.00 comes back to your wallet at once" in await market.last("advertiser")
    await market.press("advertiser", "⬅️ No, go back")
    await market.press("advertiser", CANCEL)
    assert await market.value("SELECT status FROM campaign_targets") == "approved"
    await market.press("advertiser", "🗑 Cancel: my plans have changed")
    assert "cancelled by you, refunded" in await market.last("advertiser")
    assert CANCEL not in await market.buttons("advertiser")
    await market.deliver()
    assert "my plans have changed" in await market.last("owner")
    assert "time is free for other ads" in await market.last("owner")
    await market.press("owner", "📋 Open the placement")
    assert "cancelled by the advertiser" in await market.last("owner")
    assert "was cancelled by its advertiser" in await market.last("group")


async def test_an_old_screen_cancels_nothing_that_is_due_soon(market: Marketplace) -> None:
    await market.submitted(publish_in=timedelta(hours=2))
    await market.give("advertiser", 5_000)
    await market.press("admin", "✅ Approve", where="group")
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", "📬 #")
    await market.press("advertiser", CANCEL)
    await market.database.forward(timedelta(hours=1))
    assert "too soon to cancel" in await market.press("advertiser", "🗑 Cancel: another reason")
    assert CANCEL not in await market.buttons("advertiser")
    assert await market.value("SELECT status FROM campaign_targets") == "approved"


async def test_a_placement_tells_its_story_and_a_private_channel_gives_a_copy(
    market: Marketplace,
) -> None:
    await market.world.promote(can_post_messages=True)
    sent = await market.world.call("sendMessage", chat_id=market.chat("channel"), text=AD)
    await publish_ad(market, message_id=sent["message_id"])
    await release(market, checks=2)
    await market.press("advertiser", "📋 Open the placement")
    story = (await market.last("advertiser")).partition("📖 What has happened")[2]
    words = [line.partition(" · ")[2] for line in story.strip().splitlines()]
    assert words == [
        "submitted",
        "the channel's rule agreed",
        "approved by an admin, the price is held",
        "🟢 published",
        "the promised 2 h are over",
        "checked 2 times, here the last time: it was there, unchanged",
        "✅ the owner was paid",
    ]
    await market.press("advertiser", "📄 Send me a copy of the post")
    assert await market.last("advertiser") == AD
    await market.press("owner", "📋 Open the placement")
    assert "✅ you were paid $45.00" in await market.last("owner")
    await market.world.call(
        "deleteMessage", chat_id=market.chat("channel"), message_id=sent["message_id"]
    )
    alert = await market.press("advertiser", "📄 Send me a copy of the post")
    assert "can't be copied now" in alert


def test_a_long_story_is_folded_and_paged() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    story = [Step(at + timedelta(hours=n), "changed", n + 2, "", "", None) for n in range(11)]
    t = Texts("en", "USD", "Asia/Tokyo")
    text = stories.newest(t, story, to="owner")
    assert "… 3 earlier steps" in text
    assert "version 4" not in text
    assert "09:00" not in text
    assert "version 5" in text
    assert "12:00" in text
    assert [b.text for b in stories.buttons(t, 7, story)] == ["📖 The whole story"]
    assert stories.buttons(t, 7, story[:8]) == []
    wordy = [story[0]._replace(what="asked", who="owner", reason="w" * 500)] * 8
    assert len(stories.newest(t, wordy, to="owner")) < 8 * 200
    first = stories.story_page(t, 7, Page(story[:9], 0), to="owner")
    assert "version 9" in first.text
    assert "version 10" not in first.text
    assert first.inline is not None
    assert [[b.text for b in row] for row in first.inline.inline_keyboard] == [
        ["Next ▶️"],
        ["⬅️ Back"],
    ]
